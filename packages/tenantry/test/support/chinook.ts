// The Chinook sample database as it is published: where the file lies, its statements, and the questions that the test
// asks of it. The file is not part of the repository.
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const beside = new URL('../../../../../shared/data/chinook/chinook_postgres.sql', import.meta.url)

/** The path of the file: `TENANTRY_CHINOOK`, or where it lies beside the repository; undefined where it is absent. */
export function findChinook(): string | undefined {
  const path = process.env['TENANTRY_CHINOOK'] ?? fileURLToPath(beside)
  return existsSync(path) ? path : undefined
}

export interface Chinook {
  /** CREATE TABLE, keys and indexes, as one text. */
  readonly ddl: string
  /** The multi-row INSERTs, one statement each, in an order that no foreign key minds. */
  readonly inserts: readonly string[]
}

/** Reads the file without its lines for psql and for making a database. */
export function readChinook(path: string): Chinook {
  const text = readFileSync(path, 'utf8')
    .replace(/^\uFEFF/, '')
    .replaceAll('\r\n', '\n')
    .replaceAll(/\/\*[^]*?\*\//g, '')
  // Every statement of the file begins on a line of its own and ends at the end of a line.
  const statements = text
    .split(/;[ \t]*(?:\n|$)/)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '' && !/^(?:DROP DATABASE|CREATE DATABASE|\\c )/.test(statement))
  const isInsert = (statement: string) => statement.startsWith('INSERT INTO ')
  return {
    ddl: statements.filter((statement) => !isInsert(statement)).join(';\n\n'),
    inserts: statements.filter(isInsert),
  }
}

export const chinookTables = [
  ...['artist', 'album', 'genre', 'media_type', 'track', 'playlist', 'playlist_track'],
  ...['employee', 'customer', 'invoice', 'invoice_line'],
] as const

/** How many rows each table has, in one row. */
export const chinookCounts = `select ${chinookTables.map((name) => `(select count(*) from ${name}) as ${name}`).join(', ')}`

export const chinookQuestions = {
  'revenue by country': `
    select billing_country, count(*) as invoices, sum(total) as revenue
      from invoice group by billing_country order by revenue desc, billing_country`,
  'artists by sales': `
    select artist.name, sum(invoice_line.unit_price * quantity) as sales, count(distinct invoice_id) as invoices
      from invoice_line join track using (track_id) join album using (album_id) join artist using (artist_id)
     group by artist_id, artist.name order by sales desc, artist.name`,
  'playlists with their tracks': `
    select playlist_id, playlist.name, count(track_id) as tracks, sum(milliseconds) as length, min(track.name) as first
      from playlist left join playlist_track using (playlist_id) left join track using (track_id)
     group by playlist_id, playlist.name order by playlist_id`,
  "employees, whom they report to, and their customers' revenue": `
    select employee.last_name, boss.last_name as boss, count(distinct customer_id) as customers, sum(total) as revenue
      from employee left join employee boss on boss.employee_id = employee.reports_to
      left join customer on support_rep_id = employee.employee_id left join invoice using (customer_id)
     group by employee.employee_id, employee.last_name, boss.last_name order by employee.employee_id`,
  'longest albums by genre': `
    select distinct on (genre_id) genre.name as genre, album.title, sum(milliseconds) as length, avg(bytes) as bytes
      from track join album using (album_id) join genre using (genre_id)
     group by genre_id, genre.name, album_id, album.title order by genre_id, length desc, album_id`,
} as const
