// The plan as one page that opens anywhere: the tables as a drawing, what was decided about each and why, and the SQL.
import { counted } from './decide-notes.ts'
import { pathText } from './decide-reasons.ts'
import { type Drawing, drawPlan } from './graph-layout.ts'
import { style } from './graph-style.ts'
import type { AdoptKey, AdoptPlan, AdoptQuestion, AdoptTable } from './plan.ts'
import { rootText } from './plan-text.ts'

/** What a stage will run. */
export interface StageText {
  readonly stage: string
  readonly statements: readonly string[]
}

/** The page. Every name is escaped, nothing is loaded from elsewhere, and no script runs. */
export function planPage(plan: AdoptPlan, stages: readonly StageText[] = []): string {
  const drawing = drawPlan(plan, (table) => bare(table, plan))
  const title = `Adoption of ${plan.database}`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>${style}</style>
</head>
<body>
<h1>${escaped(title)}</h1>
<p>${escaped(`In the schema ${plan.schema}, ${rootText(plan.root)}. Target: ${plan.target}. Made ${plan.createdAt}.`)}</p>
<p class="legend"><span class="tenant">tenant</span> <span class="global">global</span> <span class="undecided">undecided</span>
 lines: <b class="composite">composite</b> <b class="kept">kept</b> <b class="dropped">dropped</b></p>
<div class="drawing">${svg(plan, drawing)}</div>
${plan.questions.length === 0 ? '' : `<h2>Questions</h2>\n${plan.questions.map(questionPart).join('\n')}`}
<h2>Tables</h2>
<table><thead><tr><th>Table</th><th>Rows</th><th>Decision</th><th>Why</th><th>Keys</th></tr></thead>
<tbody>${plan.tables.map((table) => tableRow(plan, table)).join('\n')}</tbody></table>
${stages.length === 0 ? '' : `<h2>What each stage runs</h2>\n${stages.map(stagePart).join('\n')}`}
</body>
</html>
`
}

function svg(plan: AdoptPlan, { width, height, tables, keys }: Drawing): string {
  const byName = new Map(plan.tables.map((table) => [table.table, table]))
  const lines = keys.map(({ from, name, points }) => {
    const key = byName.get(from)?.keys.find((each) => each.name === name)
    const path = points.map(({ x, y }, i) => `${i === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`).join(' ')
    const kind = key?.decision ?? 'kept'
    return `<path class="key ${kind}" d="${path}" marker-end="url(#arrow)"><title>${escaped(key === undefined ? name : keyText(key))}</title></path>`
  })
  const boxes = tables.map((at) => {
    const table = byName.get(at.table)
    const [left, top] = [at.x - at.width / 2, at.y - at.height / 2].map((each) => each.toFixed(1))
    const rows = counted(table?.rows ?? 0, 'row')
    return `<a href="#${anchor(at.table)}"><g class="box ${table?.decision ?? ''}"><title>${escaped(table?.reason ?? '')}</title>
<rect x="${left}" y="${top}" width="${at.width.toFixed(1)}" height="${at.height}" rx="6"/>
<text x="${at.x.toFixed(1)}" y="${(at.y - 3).toFixed(1)}">${escaped(bare(at.table, plan))}</text>
<text class="small" x="${at.x.toFixed(1)}" y="${(at.y + 14).toFixed(1)}">${escaped(rows)}</text></g></a>`
  })
  return `<svg role="img" aria-label="The tables and their foreign keys" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" xmlns="http://www.w3.org/2000/svg">
<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 L8 4 L0 8 z"/></marker></defs>
${lines.join('\n')}
${boxes.join('\n')}
</svg>`
}

function questionPart({ table, question, choices }: AdoptQuestion): string {
  const answers = choices.map(({ decision, label }) => `<li><b>${escaped(decision)}</b>: ${escaped(label)}</li>`)
  return `<section class="question"><p><a href="#${anchor(table)}">${escaped(table)}</a>: ${escaped(question)}</p><ul>${answers.join('')}</ul></section>`
}

function tableRow(plan: AdoptPlan, each: AdoptTable): string {
  const notes = each.notes.map((note) => `<li>${escaped(note)}</li>`).join('')
  const keys = each.keys.map(
    (key) => `<li><b class="${key.decision}">${key.decision}</b> ${escaped(keyText(key))}</li>`,
  )
  const orphans = each.orphans === null ? '' : `<br>${escaped(`rows without a way go to ${each.orphans}`)}`
  return `<tr id="${anchor(each.table)}"><th scope="row">${escaped(bare(each.table, plan))}</th><td class="count">${each.rows.toLocaleString('en-US')}</td>
<td><span class="${each.decision}">${each.decision}</span></td><td>${escaped(each.reason)}${orphans}<ul>${notes}</ul></td><td><ul>${keys.join('')}</ul></td></tr>`
}

function stagePart({ stage, statements }: StageText): string {
  const text = statements.map((statement) => `${statement.replace(/;?\s*$/, '')};`).join('\n')
  return `<details><summary>${escaped(`${stage}: ${counted(statements.length, 'statement')}`)}</summary><pre>${escaped(text)}</pre></details>`
}

const keyText = (key: AdoptKey): string => `${key.name}: ${pathText([key])}. ${key.reason}`

function bare(table: string, { schema }: AdoptPlan): string {
  return table.startsWith(`${schema}.`) ? table.slice(schema.length + 1) : table
}

// Any name makes an id this way, and no two make the same.
const anchor = (table: string): string => `t-${Buffer.from(table).toString('hex')}`

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
}
