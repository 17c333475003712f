// Whether a default may give each row another value: then adding the column writes the whole table anew. Pure.
import { asTree, type Tree } from '../../tree.ts'
import { everyNode, namesIn } from '../sql-file.ts'

/** Functions of the server that are read once for the whole statement; what is not here counts as volatile. */
const STEADY = new Set(
  [
    'now transaction_timestamp statement_timestamp date_trunc date_part age make_date make_time make_timestamp',
    'make_timestamptz make_interval to_timestamp to_date to_char to_number timezone',
    'current_setting current_database current_schema current_user session_user version',
    'lower upper initcap concat concat_ws format left right substring substr trim btrim ltrim rtrim replace length repeat',
    'lpad rpad split_part md5 sha256 sha512 encode decode abs ceil ceiling floor round trunc power sqrt sign mod',
    'jsonb_build_object json_build_object jsonb_build_array json_build_array to_json to_jsonb json_object jsonb_object',
    'array_append array_cat array_fill array_length cardinality string_to_array int4range int8range numrange tsrange',
    'tstzrange daterange to_tsvector to_tsquery plainto_tsquery int4 int8 text',
    'claimed_tenant_id current_tenant_id current_user_id current_tenant_role',
  ].flatMap((names) => names.split(' ')),
)

/** The first function of an expression that may be volatile. */
export function volatileFunction(
  expression: Tree | undefined,
  isSteady: (name: string) => boolean | undefined,
): string | undefined {
  if (expression === undefined) return undefined
  return everyNode(expression)
    .map((node) => asTree(node['FuncCall']))
    .filter((call) => call !== undefined)
    .map((call) => namesIn(call, 'funcname').at(-1) ?? '')
    .find((name) => !(isSteady(name) ?? STEADY.has(name)))
}
