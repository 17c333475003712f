// Walks through a list page by page.

interface Page<Item> {
  readonly items: readonly Item[]
  readonly nextCursor: string | null
}

interface ListArguments {
  readonly query?: { readonly cursor?: string }
}

type List = (given: never) => Promise<Page<unknown>>
type ItemOf<L extends List> = Awaited<ReturnType<L>>['items'][number]

/**
 * Every item of a list, page by page, as it is asked for. Rejects as the calls themselves do.
 *
 * @example
 * ```ts
 * import { createClient, eachItem } from 'tenantry/client'
 *
 * const client = createClient({ baseUrl: 'http://127.0.0.1:3000', key: process.env.TENANTRY_KEY ?? '' })
 * for await (const tenant of eachItem(client.listTenants, { query: { plan: 'pro' } })) console.log(tenant.slug)
 * ```
 */
export async function* eachItem<L extends List>(
  list: L,
  given: NonNullable<Parameters<L>[0]>,
): AsyncGenerator<ItemOf<L>, void, undefined> {
  // Every list takes a cursor beside what its own arguments are.
  const ask = list as unknown as (given: ListArguments) => Promise<Page<ItemOf<L>>>
  const { query, ...others } = given as ListArguments
  let page = await ask({ ...others, query: { ...query } })
  yield* page.items
  while (page.nextCursor !== null) {
    page = await ask({ ...others, query: { ...query, cursor: page.nextCursor } })
    yield* page.items
  }
}
