// Work that is done at once where everything is in memory, and later where something must be asked for.

export type Eventually<T> = T | Promise<T>

/** Goes on with a value: at once where it is there, else when it comes. */
export function whenDone<T, U>(value: Eventually<T>, next: (value: T) => Eventually<U>): Eventually<U> {
  return isPromise(value) ? value.then(next) : next(value)
}

/** All values: at once where none of them has to be waited for. */
export function allDone<T>(values: readonly Eventually<T>[]): Eventually<readonly T[]> {
  return values.some(isPromise) ? Promise.all(values) : (values as readonly T[])
}

/** What the work gives, or what `caught` makes of its failure, now or later. */
export function orElse<T>(work: () => Eventually<T>, caught: (error: unknown) => T): Eventually<T> {
  try {
    const result = work()
    return isPromise(result) ? result.then(undefined, caught) : result
  } catch (error) {
    return caught(error)
  }
}

/** Whether it is still to come. */
export function isPromise<T>(value: Eventually<T>): value is Promise<T> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}
