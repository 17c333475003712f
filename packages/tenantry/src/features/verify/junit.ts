// A run as JUnit XML, which CI systems show as tests.
import { fails, type VerifyCheck } from './check.ts'
import type { VerifyReport } from './report.ts'

/** The report as one test suite: a test case for each check. */
export function junitOf(report: VerifyReport): string {
  const { checks, allowSkipped } = report
  const failed = checks.filter((check) => fails(check, allowSkipped)).length
  const skipped = checks.filter((check) => isPassedOver(check, allowSkipped)).length
  const seconds = (Date.parse(report.finishedAt) - Date.parse(report.startedAt)) / 1000
  const counts = `tests="${checks.length}" failures="${failed}" errors="0" skipped="${skipped}" time="${seconds}"`
  const cases = checks.map((check) => caseOf(check, allowSkipped)).join('')
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${counts}>`,
    `<testsuite name="tenantry verify" ${counts} timestamp="${escaped(report.startedAt)}">`,
    `${cases}</testsuite>`,
    '</testsuites>',
    '',
  ].join('\n')
}

/** Not ok, and not in the way either: a warning, or a probe that was accepted as not run. */
const isPassedOver = (check: VerifyCheck, allowSkipped: boolean) => !check.ok && !fails(check, allowSkipped)

function caseOf(check: VerifyCheck, allowSkipped: boolean): string {
  const { name, subject, fix = '', skipped } = check
  const title = subject === undefined ? name : `${name}: ${subject}`
  const attributes = `classname="${escaped(name)}" name="${escaped(title)}"`
  if (check.ok) return `<testcase ${attributes}/>\n`
  const element = isPassedOver(check, allowSkipped) ? 'skipped' : 'failure'
  const message = escaped(skipped ?? title)
  return `<testcase ${attributes}><${element} message="${message}">${escaped(fix)}</${element}></testcase>\n`
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
  '\n': '&#10;',
  '\t': '&#9;',
  '\r': '&#13;',
}

/** Text for content and attributes. What XML 1.0 cannot say at all, lone surrogates included, becomes U+FFFD. */
function escaped(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replace(/[&<>"'\n\t\r]/g, (character) => ENTITIES[character] ?? '')
}
