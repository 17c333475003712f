// How the members and roles of a team are listed, the same over HTTP and on the command line.
import type { TeamMember, TeamRole } from '../../features/organizations/organization.ts'
import type { Listing } from './list-page.ts'

/** How the members of a team are listed. */
export const teamMemberListing: Listing<TeamMember> = { key: ({ userId }) => userId, words: ({ userId }) => [userId] }
/** How the roles of a team are listed. */
export const teamRoleListing: Listing<TeamRole> = {
  key: ({ tenantId }) => tenantId,
  words: ({ slug, role }) => [slug, role],
}
