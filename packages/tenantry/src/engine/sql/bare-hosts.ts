// Libraries that would break isolation if they were handed the pool itself. They are told by how they take hold of it,
// before they have sent anything.
import { TenantryError } from '../../kernel/errors.ts'
import type { Pool } from './pg.ts'

// The frames of Prisma's adapter while it connects; a bundler that renames classes hides them.
const PRISMA_ADAPTER = /PrismaPgAdapter|@prisma[\\/]adapter-pg/

/** Makes a pool throw CONFIGURATION_INVALID when a library that needs a bridge takes it as it is. */
export function refuseBareHosts(pool: Pool): void {
  pool.on('newListener' as 'error', refusePrisma)
  // A library with another copy of pg does not know this pool for one, takes it for settings and copies them: it would go on
  // to connect by itself, as whoever the environment names, without any tenant.
  Object.defineProperty(pool, 'connectionString', { enumerable: true, get: refuseAsSettings })
}

function refuseAsSettings(): never {
  throw new TenantryError('CONFIGURATION_INVALID', 'The pool was taken for settings, by another copy of pg.', {
    fix: 'Make npm install one copy: `npm dedupe pg`, or name one version of pg under "overrides" in package.json.',
  })
}

/** Prisma's adapter listens for errors as the first thing it does. */
function refusePrisma(): void {
  if (!PRISMA_ADAPTER.test(new Error().stack ?? '')) return
  // Prisma shows its callers the message alone, so it says what to do as well.
  const message = 'Prisma was handed the pool itself; make the client with scopedPrisma() of tenantry/prisma.'
  throw new TenantryError('CONFIGURATION_INVALID', message, {
    fix: 'Use scopedPrisma(): a bare client sends together what different tenants ask for in one tick.',
  })
}
