// Libraries that would break isolation if they were handed the pool itself. They are told by how they take hold of it,
// before they have sent anything.
import { TenantryError } from '../../kernel/errors.ts'
import type { Pool } from './pg.ts'

// The frames of Prisma's adapter while it connects; a bundler that renames classes hides them.
const PRISMA_ADAPTER = /PrismaPgAdapter|@prisma[\\/]adapter-pg/

/** Makes a pool throw CONFIGURATION_INVALID when a library that needs a bridge takes it as it is. */
export function refuseBareHosts(pool: Pool): void {
  pool.on('newListener' as 'error', refusePrisma)
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
