// New ids. Version 7 UUIDs sort by time, so a tenant's rows and events stay close together in their indexes.
import { v7 } from 'uuid'

/** A new UUID, version 7 (RFC 9562). */
export function newId(): string {
  return v7()
}
