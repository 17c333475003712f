// What a list is asked for, as the query of an address.

/** `?limit=5`, without what is undefined; empty where nothing is asked for. */
export function queryText(query: object): string {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) params.set(name, String(value))
  const text = params.toString()
  return text === '' ? '' : `?${text}`
}
