// One tenant of the soak. It alone writes there, one operation after the other, so it knows at every moment exactly which
// rows there are; whatever else an answer shows is foreign or lost.
import { isDeepStrictEqual } from 'node:util'
import type { Tenant } from '../tenants/tenant.ts'
import type { BridgeOperations, BridgeSession, SuiteNote } from './bridge.ts'
import { errorCodesOf } from './bridge-errors.ts'
import { firstNotes } from './bridge-stage.ts'
import type { Random } from './random.ts'

// Lists stay short: it is the number of answers that counts.
const MOST_NOTES = 8

export interface PlayerOptions {
  readonly session: BridgeSession
  readonly tenant: Tenant
  /** A tenant of the same isolation, never to be seen. */
  readonly other: Tenant
  readonly random: Random
  /** Runs work in this player's tenant. */
  readonly within: (work: () => Promise<void>) => Promise<void>
}

type NoteRow = Pick<SuiteNote, 'id' | 'body'>

export class BridgePlayer {
  readonly tenant: Tenant
  foreignRows = 0
  readonly #options: PlayerOptions
  #notes: ReadonlyMap<number, string>
  #made = 100

  constructor(options: PlayerOptions) {
    this.#options = options
    this.tenant = options.tenant
    this.#notes = new Map(firstNotes(options.tenant.slug).map(({ id, body }) => [id, body]))
  }

  /** What has to be stored now. */
  get bodies(): readonly string[] {
    return [...this.#notes.values()].sort()
  }

  /** One operation, drawn at random; returns its name. Throws where its answer is wrong. */
  async play(): Promise<string> {
    const { random, within } = this.#options
    const [name, operation] = random.pick(Object.entries(this.#operations))
    const outside = name === 'ask outside of every tenant' || name === 'return a query unawaited'
    await (outside ? operation() : within(operation))
    return name
  }

  readonly #operations: Readonly<Record<string, () => Promise<void>>> = {
    list: async () => this.#expectAll(await this.#session.list()),
    find: () => this.#find(),
    'ask for several things at once': async () => {
      const [list, , raw] = await Promise.all([this.#session.list(), this.#find(), this.#readRaw()])
      this.#expectAll(list)
      this.#expectAll(raw)
    },
    'list with comments': async () => {
      const threads = await this.#session.listThreads()
      this.#expectAll(threads)
      this.#count(threads.flatMap(({ comments }) => comments.map(({ text }) => text)))
    },
    'SQL text': async () => this.#expectAll(await this.#readRaw()),
    insert: () => this.#insert(this.#session),
    remove: () => this.#remove(this.#session),
    'update all': () => this.#updateAll(this.#session),
    'insert with comments': async () => {
      const note = this.#newNote()
      const comments = [1, 2].map((at) => ({ id: note.id * 10 + at, noteId: note.id, text: note.body }))
      await this.#session.nestedInsert(note, comments)
      this.#notes = new Map(this.#notes).set(note.id, note.body)
      await this.#shrink(this.#session)
    },
    'transaction that commits': () => this.#session.transaction((tx) => this.#transact(tx)),
    'transaction that rolls back': () => this.#rollBack(),
    'insert for another tenant': () => this.#forge(),
    'ask outside of every tenant': () => this.#refused(() => this.#session.list(), 'TENANT_CONTEXT_MISSING'),
    'return a query unawaited': () => this.#returnUnawaited(),
  }

  get #session(): BridgeSession {
    return this.#options.session
  }

  async #find(): Promise<void> {
    const [id, body] = this.#options.random.pick([...this.#notes])
    const found = await this.#session.find(id)
    this.#count(found ? [found.body] : [])
    if (found?.body !== body) throw new Error(`${this.tenant.slug} found something else under ${id}`)
  }

  async #readRaw(): Promise<readonly NoteRow[]> {
    const rows = await this.#session.raw('select id, body from suite_note where id > $1', [0])
    return rows.map(({ id, body }) => ({ id: Number(id), body: String(body) }))
  }

  async #insert(on: BridgeOperations): Promise<void> {
    const note = this.#newNote()
    await on.insert(note)
    this.#notes = new Map(this.#notes).set(note.id, note.body)
    await this.#shrink(on)
  }

  async #shrink(on: BridgeOperations): Promise<void> {
    while (this.#notes.size > MOST_NOTES) await this.#remove(on)
  }

  /** Never the last one: without rows a policy need not be asked. Nor the one that others hang on. */
  async #remove(on: BridgeOperations): Promise<void> {
    const id = [...this.#notes.keys()].find((key) => key > 1)
    if (id === undefined) return
    const count = await on.remove(id)
    if (count !== 1) throw new Error(`${this.tenant.slug} removed ${count} notes under one key`)
    const rest = new Map(this.#notes)
    rest.delete(id)
    this.#notes = rest
  }

  async #updateAll(on: BridgeOperations): Promise<void> {
    const body = `${this.tenant.slug}/changed ${this.#made++}`
    const count = await on.updateAll(body)
    if (count !== this.#notes.size) throw new Error(`${this.tenant.slug} changed ${count} of ${this.#notes.size} notes`)
    this.#notes = new Map([...this.#notes.keys()].map((id) => [id, body]))
  }

  async #transact(tx: BridgeOperations): Promise<void> {
    await this.#insert(tx)
    this.#expectAll(await tx.list())
    await this.#updateAll(tx)
    this.#expectAll(await tx.list())
  }

  async #rollBack(): Promise<void> {
    const before = this.#notes
    const changedMind = new Error('changed my mind')
    const thrown = await this.#session
      .transaction(async (tx) => {
        await this.#transact(tx)
        throw changedMind
      })
      .catch((error: unknown) => error)
    if (thrown !== changedMind) throw thrown
    this.#notes = before
  }

  async #forge(): Promise<void> {
    const { other } = this.#options
    const note = this.#newNote()
    await this.#refused(
      () =>
        other.isolation === 'row'
          ? this.#session.insertAs(other.id, note)
          : this.#session.raw(`insert into "${other.schemaName}".suite_note (id, body) values ($1, $2)`, [
              note.id,
              note.body,
            ]),
      '42501',
    )
  }

  async #returnUnawaited(): Promise<void> {
    const { session, within } = this.#options
    if (!session.lazyList) return
    let query: PromiseLike<unknown> | undefined
    await within(async () => {
      // In an object, so that nothing awaits it on the way.
      const kept = { query: session.lazyList?.() }
      query = kept.query
    })
    await this.#refused(() => query ?? Promise.resolve(), 'TENANT_CONTEXT_MISSING')
  }

  async #refused(work: () => PromiseLike<unknown>, code: string): Promise<void> {
    let found: readonly string[] | undefined
    try {
      await work()
    } catch (error) {
      found = errorCodesOf(error)
      if (!found.includes(code)) throw error
    }
    if (!found) throw new Error(`nothing was refused, where ${code} was due`)
  }

  #newNote(): SuiteNote {
    const id = this.#made++
    return { id, parentId: null, body: `${this.tenant.slug}/${id}` }
  }

  #count(texts: readonly string[]): void {
    this.foreignRows += texts.filter((text) => !text.startsWith(`${this.tenant.slug}/`)).length
  }

  #expectAll(rows: readonly NoteRow[]): void {
    const shown = rows.map(({ body }) => body).sort()
    this.#count(shown)
    if (!isDeepStrictEqual(shown, this.bodies)) throw new Error(`${this.tenant.slug} was shown other rows than its own`)
  }
}
