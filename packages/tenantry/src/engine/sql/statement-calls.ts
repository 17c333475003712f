// Which functions a statement's text could call. It reads the text alone; what triggers, defaults and views call belongs
// to whoever owns the schema, not to whoever injects SQL.

// Functions that leave session state by themselves, or run SQL given as text, which may; and the view whose UPDATE is a
// set_config for the session.
const STATEFUL_CALL =
  /set_config|pg_settings|advisory|(query|cursor|table|schema|database)_to_xml|ts_stat|ts_rewrite|dblink|pg_notify|lo_|setseed|\$\$|u&"/i

// Words that stand before a parenthesis without calling a function that could touch settings.
const SAFE_BEFORE_PARENTHESIS = new Set([
  'in',
  'values',
  'select',
  'and',
  'or',
  'not',
  'from',
  'where',
  'on',
  'exists',
  'any',
  'all',
  'some',
  'over',
  'filter',
  'as',
  'using',
  'returning',
  'by',
  'when',
  'then',
  'else',
  'between',
  'like',
  'ilike',
  'is',
  'limit',
  'offset',
  'union',
  'except',
  'intersect',
  'with',
  'row',
  'array',
  'join',
  'lateral',
  'conflict',
  'set',
  'materialized',
  'distinct',
  'group',
  'count',
  'sum',
  'min',
  'max',
  'avg',
  'coalesce',
  'nullif',
  'greatest',
  'least',
  'lower',
  'upper',
  'length',
  'now',
  'round',
  'abs',
  'floor',
  'ceil',
  'date_trunc',
  'extract',
  'to_char',
  'concat',
  'json_agg',
  'jsonb_agg',
  'array_agg',
  'json_build_object',
  'jsonb_build_object',
  'string_agg',
  'substring',
  'trim',
  'cast',
  'numeric',
  'varchar',
  'row_number',
])

/** Whether the text names a function known to leave session state, or a way to hide one. */
export function callsStateful(text: string): boolean {
  return STATEFUL_CALL.test(text)
}

/**
 * Whether the text could call a function beyond a short list of harmless ones. Errs on the side of yes: comments and
 * quoted names count as calls.
 */
export function mayCallFunctions(text: string): boolean {
  if (text.includes('--') || text.includes('/*') || /u&"/i.test(text)) return true
  const plain = text.replace(/^\s*insert\s+into\s+[\w."]+\s*\(/i, 'insert values (')
  for (let at = plain.indexOf('('); at >= 0; at = plain.indexOf('(', at + 1)) {
    const word = wordBefore(plain, at)
    if (word !== '' && !SAFE_BEFORE_PARENTHESIS.has(word.toLowerCase())) return true
  }
  return false
}

/** The name that ends before this position, white space between skipped; empty where punctuation stands there. */
function wordBefore(text: string, position: number): string {
  let end = position
  while (end > 0 && /[ \t\n\r\f\v]/.test(text.charAt(end - 1))) end--
  let start = end
  while (start > 0 && /[\p{L}\p{N}_$."\u0080-\uffff]/u.test(text.charAt(start - 1))) start--
  return text.slice(start, end)
}
