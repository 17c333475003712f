// The outbox, page by page.
import { isUuid, isValidSlug } from '../../kernel/identifiers.ts'
import { TenantryError } from '../../kernel/errors.ts'
import type { Tenants } from '../../tenants/tenants.ts'
import type { App } from './app.ts'
import { EventPageSchema, ListEventsQuery } from './contract.ts'
import { queryOf } from './input.ts'
import { failures, json, mount, secured, type Route } from './route.ts'

export function eventsRoutes(app: App, tenants: Tenants): void {
  const route: Route = {
    method: 'get',
    path: '/api/events',
    operationId: 'listEvents',
    summary: 'List events, all or of one tenant or type',
    tags: ['Operations'],
    security: secured,
    request: { query: ListEventsQuery },
    responses: { 200: { description: 'One page.', content: json(EventPageSchema) }, ...failures(400, 401, 404) },
  }
  mount(app, route, async (c) => {
    const query = queryOf(c, ListEventsQuery)
    if (query.tenant !== undefined && !isUuid(query.tenant) && !isValidSlug(query.tenant)) {
      throw new TenantryError('INVALID_INPUT', 'The parameter "tenant" is neither a slug nor an id.', {
        field: 'tenant',
      })
    }
    return c.json(await tenants.events(query))
  })
}
