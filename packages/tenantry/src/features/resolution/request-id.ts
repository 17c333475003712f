// The id under which a request stands in logs and in the answers of guards.
import { newId } from '../../kernel/ids.ts'
import type { TenancyRequest } from './resolution.ts'

/** What may stand in a log and a header as it is. */
const SANE_ID = /^[\w.:=+/-]{1,128}$/

/** The caller's X-Request-Id, or a new id where there is none that can be taken as it is. */
export function requestIdOf(request: TenancyRequest): string {
  const sent = request.header('x-request-id')
  return sent !== undefined && SANE_ID.test(sent) ? sent : newRequestId()
}

export const newRequestId = newId
