// Grants: whoever has one now loses it, then each gets what it should have.
import { quoteIdentifier } from '../../../kernel/identifiers.ts'
import type { CatalogueObject, SchemaCatalogue } from '../catalogue.ts'
import { byHand, type Change, entries, type Mending, mendedBy, part, steps } from './mending.ts'

export function alterGrant(change: Change): Mending {
  const { expected, actual, reference } = change
  if (expected.create === null) return byHand('Somebody other than the owner granted it; only they can do so again.')
  return mendedBy(
    steps(revokeStep(actual, ownerOf(reference)), expected.create, ...columnGrants(reference, expected.name)),
  )
}

// What is revoked of a table is revoked of its columns.
function columnGrants({ objects }: SchemaCatalogue, grant: string): readonly (string | null)[] {
  const table = grant.replace(/^table /, '')
  return objects
    .filter(({ kind, name, details }) => kind === 'grant' && name.startsWith('column ') && details.table === table)
    .map(({ create }) => create)
}

export const revokeGrant = (actual: CatalogueObject): Mending => mendedBy(revokeStep(actual, ''))

// Without its own privileges the owner would no longer find the schema; the statement that grants gives them anew.
function revokeStep(actual: CatalogueObject, owner: string): string | null {
  const grantees = [...entries(actual, 'to').keys()].filter((name) => name !== owner && name !== quoteIdentifier(owner))
  const { revoke } = actual.details
  if (typeof revoke !== 'string' || grantees.length === 0) return null
  return revoke.replace('<grantees>', () => grantees.join(', '))
}

function ownerOf({ objects }: SchemaCatalogue): string {
  const schema = objects.find(({ kind }) => kind === 'schema')
  return schema === undefined ? '' : part(schema, 'owner')
}
