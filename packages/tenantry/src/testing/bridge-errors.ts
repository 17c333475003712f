// Finds a Tenantry error inside whatever an ORM wrapped it in.

// Where ORMs put the driver's error: cause (Drizzle, MikroORM, the standard), driverError (TypeORM), original and parent
// (Sequelize), nativeError (Objection), previous (MikroORM), meta and driverAdapterError (Prisma).
const WRAPPINGS = [
  'cause',
  'driverError',
  'original',
  'parent',
  'originalError',
  'nativeError',
  'previous',
  'meta',
].concat(['driverAdapterError', 'error'])

const MAX_DEPTH = 8

/**
 * The codes of an error and of all it wraps, outermost first: Tenantry's and PostgreSQL's alike.
 *
 * @example
 * ```ts
 * if (errorCodesOf(error).includes('TENANT_CONTEXT_MISSING')) console.log('sent outside of every tenant')
 * ```
 */
export function errorCodesOf(error: unknown): readonly string[] {
  const codes: string[] = []
  let level: readonly object[] = isObject(error) ? [error] : []
  for (let depth = 0; depth < MAX_DEPTH && level.length > 0; depth++) {
    for (const found of level) {
      for (const name of ['code', 'sqlState', 'originalCode']) {
        const code: unknown = Reflect.get(found, name)
        if (typeof code === 'string' && !codes.includes(code)) codes.push(code)
      }
    }
    level = level.flatMap(wrappedIn)
  }
  return codes
}

function wrappedIn(error: object): readonly object[] {
  const several: unknown = Reflect.get(error, 'errors')
  const wrapped = WRAPPINGS.map((name): unknown => Reflect.get(error, name))
  return [...wrapped, ...(Array.isArray(several) ? (several as unknown[]) : [])].filter(isObject)
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null
