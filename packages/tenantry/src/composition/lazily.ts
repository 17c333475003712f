// An object whose methods wait for the real one. It lets a synchronous createTenantry offer what only start() can make.

type AsyncMethods<T> = { [K in keyof T]: T[K] extends (...args: never[]) => Promise<unknown> ? T[K] : never }

/** An object with these methods, each of which first waits for `make` and then calls the method of what it gives. */
export function lazily<T extends AsyncMethods<T>>(make: () => Promise<T>, methods: readonly (keyof T & string)[]): T {
  const calls = methods.map((name) => [
    name,
    async (...args: never[]) => {
      const real = await make()
      return real[name](...args) as unknown
    },
  ])
  // Every method that is named has the type it has on T, only later.
  return Object.fromEntries(calls) as T
}
