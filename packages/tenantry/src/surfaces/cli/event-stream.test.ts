import { expect, test } from 'vitest'
import { readEvents } from './event-stream.ts'

async function eventsOf(...chunks: readonly string[]) {
  const encoder = new TextEncoder()
  const found: unknown[] = []
  async function* body() {
    for (const chunk of chunks) yield encoder.encode(chunk)
  }
  for await (const event of readEvents(body())) found.push(event)
  return found
}

test('events are read however the bytes come, and comments and a cut end are none', async () => {
  const text = ': open\n\nevent: progress\ndata: {"a":"é"}\n\n: still here\n\ndata: 1\ndata: 2\n\nevent: end\ndata: {'
  const expected = [
    { event: 'progress', data: '{"a":"é"}' },
    { event: 'message', data: '1\n2' },
  ]
  expect(await eventsOf(text)).toEqual(expected)
  expect(await eventsOf(...Array.from(text))).toEqual(expected)
  expect(await eventsOf(text.replaceAll('\n', '\r\n'))).toEqual(expected)
})
