// Names as PostgreSQL itself would choose them, so that an adopted table reads like one that was protected by hand.
const MOST_BYTES = 63

/** The name of an index or constraint over columns, such as `invoice_tenant_id_id_key`: too long ones lose what is longer. */
export function objectName(table: string, columns: readonly string[], label: string): string {
  const room = MOST_BYTES - label.length - 2
  let first = Buffer.from(table)
  let second = Buffer.from(columns.join('_')).subarray(0, MOST_BYTES)
  while (first.length + second.length > room) {
    if (first.length > second.length) first = first.subarray(0, -1)
    else second = second.subarray(0, -1)
  }
  return `${first.toString()}_${second.toString()}_${label}`
}
