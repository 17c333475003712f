import { describe, expect, it } from 'vitest'
import { readJson } from './body.ts'

const options = { limitBytes: 1024, optional: false }

function post(
  body: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | null,
  headers: Record<string, string> = { 'content-type': 'application/json' },
): Request {
  return new Request('http://localhost/', { method: 'POST', body, headers, duplex: 'half' })
}

/** A body of many small chunks that counts how many were asked for. */
function endless(chunk: Uint8Array) {
  const seen = { chunks: 0, cancelled: false }
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        seen.chunks += 1
        controller.enqueue(chunk)
      },
      cancel() {
        seen.cancelled = true
      },
    },
    { highWaterMark: 0 },
  )
  return { seen, stream }
}

describe('readJson', () => {
  it('parses a JSON body', async () => {
    expect(await readJson(post('{"name":"ACME"}'), options)).toEqual({ name: 'ACME' })
  })

  it.each(['application/json; charset=utf-8', 'Application/JSON', 'application/merge-patch+json'])(
    'takes %s for JSON',
    async (type) => {
      expect(await readJson(post('{}', { 'content-type': type }), options)).toEqual({})
    },
  )

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp'])('refuses %s', async (type) => {
    await expect(readJson(post('{}', { 'content-type': type }), options)).rejects.toMatchObject({
      code: 'UNSUPPORTED_MEDIA_TYPE',
    })
  })

  it('refuses a compressed body', async () => {
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' }
    await expect(readJson(post('{}', headers), options)).rejects.toMatchObject({ code: 'UNSUPPORTED_MEDIA_TYPE' })
  })

  it('takes no body for an empty object only where it is optional', async () => {
    expect(await readJson(post(null, {}), { ...options, optional: true })).toEqual({})
    await expect(readJson(post(null, {}), options)).rejects.toMatchObject({ code: 'INVALID_JSON' })
  })

  it.each([
    ['cut off', '{"name":'],
    ['two values', '{}{}'],
    ['single quotes', "{'name':1}"],
    ['invalid UTF-8', new Uint8Array([0x22, 0xff, 0x22])],
  ])('calls %s invalid JSON and does not quote it', async (_name, body) => {
    const error: unknown = await readJson(post(body), options).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'INVALID_JSON', message: 'The body is not valid JSON.' })
    expect(error).not.toHaveProperty('cause')
  })

  it('refuses a body that declares more than the limit without reading it', async () => {
    const { seen, stream } = endless(new Uint8Array(16))
    const request = post(stream, { 'content-type': 'application/json', 'content-length': '10485760' })
    await expect(readJson(request, options)).rejects.toMatchObject({ code: 'BODY_TOO_LARGE' })
    expect(seen.chunks).toBe(0)
  })

  it('stops reading an undeclared body as soon as it passes the limit', async () => {
    const { seen, stream } = endless(new Uint8Array(100))
    await expect(readJson(post(stream), options)).rejects.toMatchObject({ code: 'BODY_TOO_LARGE' })
    expect(seen.cancelled).toBe(true)
    expect(seen.chunks).toBeLessThan(16)
  })

  it('does not trust a declared length that is too small', async () => {
    const { stream } = endless(new Uint8Array(100))
    const request = post(stream, { 'content-type': 'application/json', 'content-length': '2' })
    await expect(readJson(request, options)).rejects.toMatchObject({ code: 'BODY_TOO_LARGE' })
  })

  it('calls a body that breaks off invalid JSON', async () => {
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.error(new Error('connection reset'))
      },
    })
    await expect(readJson(post(stream), options)).rejects.toMatchObject({ code: 'INVALID_JSON' })
  })
})
