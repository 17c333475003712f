// The suite's own HTTP client: it says what goes over the wire byte by byte, as attackers do and fetch does not.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface RawRequest {
  readonly method?: string
  readonly target?: string
  /** As they are sent, so that one may come twice; Host is added where none is among them. */
  readonly headers?: readonly (readonly [name: string, value: string])[]
  /** Sent as JSON. */
  readonly body?: unknown
}

export interface RawResponse {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly text: string
}

/** One connection that is kept alive. */
export class HostConnection {
  readonly #socket: Socket
  #received = Buffer.alloc(0)
  #isEnded = false
  #wake = () => {}

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (data: Buffer) => {
      this.#received = Buffer.concat([this.#received, data])
      this.#wake()
    })
    socket.on('close', () => {
      this.#isEnded = true
      this.#wake()
    })
    // What a server cuts is seen by its missing answer.
    socket.on('error', () => {})
  }

  static async open(port: number): Promise<HostConnection> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    return new HostConnection(socket)
  }

  async ask(request: RawRequest): Promise<RawResponse> {
    this.send([request])
    return this.answer()
  }

  /** Sends requests without waiting for their answers. */
  send(requests: readonly RawRequest[]): void {
    this.#socket.write(requests.map(requestText).join(''))
  }

  /** The next answer. */
  async answer(): Promise<RawResponse> {
    for (;;) {
      const parsed = parseResponse(this.#received)
      if (parsed !== undefined) {
        this.#received = this.#received.subarray(parsed.length)
        return parsed.response
      }
      if (this.#isEnded) throw new Error('The server closed the connection without an answer.')
      await this.#more()
    }
  }

  /** Waits until the answer that has begun holds this text. */
  async until(text: string): Promise<void> {
    while (!this.#received.includes(text)) {
      if (this.#isEnded) throw new Error('The server closed the connection.')
      await this.#more()
    }
  }

  /** Cuts the connection. */
  destroy(): void {
    this.#socket.destroy()
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}

function requestText({ method = 'GET', target = '/', headers = [], body }: RawRequest): string {
  const text = body === undefined ? '' : JSON.stringify(body)
  const hasHost = headers.some(([name]) => name.toLowerCase() === 'host')
  const lines = [
    `${method} ${target} HTTP/1.1`,
    ...(hasHost ? [] : ['Host: 127.0.0.1']),
    ...headers.map(([name, value]) => `${name}: ${value}`),
    ...(body === undefined ? [] : ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(text)}`]),
  ]
  return `${lines.join('\r\n')}\r\n\r\n${text}`
}

/** The first complete answer among what was received, and how many bytes it takes. */
function parseResponse(received: Buffer): { readonly response: RawResponse; readonly length: number } | undefined {
  const headEnd = received.indexOf('\r\n\r\n')
  if (headEnd === -1) return undefined
  const [statusLine = '', ...lines] = received.subarray(0, headEnd).toString('latin1').split('\r\n')
  const headers = new Map(
    lines.map((line): [string, string] => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )
  const body = parseBody(received.subarray(headEnd + 4), headers)
  if (body === undefined) return undefined
  const response = { status: Number(statusLine.split(' ')[1]), headers, text: body.text }
  return { response, length: headEnd + 4 + body.length }
}

type Body = { readonly text: string; readonly length: number } | undefined

function parseBody(rest: Buffer, headers: ReadonlyMap<string, string>): Body {
  if (headers.get('transfer-encoding') === 'chunked') return parseChunks(rest)
  const length = Number(headers.get('content-length') ?? 0)
  return rest.length < length ? undefined : { text: rest.subarray(0, length).toString(), length }
}

function parseChunks(rest: Buffer): Body {
  const chunks: Buffer[] = []
  for (let at = 0; ; ) {
    const lineEnd = rest.indexOf('\r\n', at)
    if (lineEnd === -1) return undefined
    const size = Number.parseInt(rest.subarray(at, lineEnd).toString('latin1'), 16)
    const next = lineEnd + 2 + size + 2
    if (rest.length < next) return undefined
    if (size === 0) return { text: Buffer.concat(chunks).toString(), length: next }
    chunks.push(rest.subarray(lineEnd + 2, lineEnd + 2 + size))
    at = next
  }
}
