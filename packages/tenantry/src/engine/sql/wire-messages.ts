// PostgreSQL protocol 3.0 messages as bytes, as far as one-flush statements need them. pg has serializers of its own,
// but it writes each message to the socket by itself; a flush of ours is put together first and written once.

/** A parameter value after pg's prepareValue: text, bytes, or null. */
export type WireValue = string | Buffer | null

const TEXT = 0
const BINARY = 1

/** Execute of the unnamed portal, all rows. */
export const EXECUTE = Buffer.from([0x45, 0, 0, 0, 9, 0, 0, 0, 0, 0])
/** Describe of the unnamed portal. */
export const DESCRIBE = Buffer.from([0x44, 0, 0, 0, 6, 0x50, 0])
/** Asks for the answers so far without ending the transaction. */
export const FLUSH = Buffer.from([0x48, 0, 0, 0, 4])
export const SYNC = Buffer.from([0x53, 0, 0, 0, 4])

/** Parse; parameter types are left to the server where none are given. */
export function encodeParse(name: string, text: string): Buffer {
  const length = 4 + Buffer.byteLength(name) + 1 + Buffer.byteLength(text) + 1 + 2
  const message = Buffer.allocUnsafe(1 + length)
  let at = header(message, 0x50, length)
  at = string(message, at, name)
  at = string(message, at, text)
  message.writeInt16BE(0, at)
  return message
}

/** Close of a prepared statement. Closing an unknown name is not an error. */
export function encodeClose(name: string): Buffer {
  const length = 4 + 1 + Buffer.byteLength(name) + 1
  const message = Buffer.allocUnsafe(1 + length)
  const at = header(message, 0x43, length)
  message[at] = 0x53
  string(message, at + 1, name)
  return message
}

/** Bind of the unnamed portal. Throws for more than the 65,535 values that the protocol can count. */
export function encodeBind(statement: string, values: readonly WireValue[], binaryResults: boolean): Buffer {
  const sizes = values.map(sizeOf)
  const payload = sizes.reduce((sum, size) => sum + 4 + Math.max(size, 0), 0)
  const length = 4 + 1 + Buffer.byteLength(statement) + 1 + 2 + 2 * values.length + 2 + payload + 4
  const message = Buffer.allocUnsafe(1 + length)
  let at = header(message, 0x42, length)
  at = string(message, at, '')
  at = string(message, at, statement)
  at = message.writeUInt16BE(values.length, at)
  for (const value of values) at = message.writeInt16BE(Buffer.isBuffer(value) ? BINARY : TEXT, at)
  at = message.writeUInt16BE(values.length, at)
  values.forEach((value, index) => {
    at = message.writeInt32BE(sizes[index] ?? -1, at)
    if (typeof value === 'string') at += message.write(value, at)
    else if (value) at += value.copy(message, at)
  })
  at = message.writeInt16BE(1, at)
  message.writeInt16BE(binaryResults ? BINARY : TEXT, at)
  return message
}

const sizeOf = (value: WireValue) => (value === null ? -1 : Buffer.byteLength(value))

function header(message: Buffer, type: number, length: number): number {
  message[0] = type
  return message.writeInt32BE(length, 1)
}

function string(message: Buffer, at: number, text: string): number {
  const end = at + message.write(text, at)
  message[end] = 0
  return end + 1
}
