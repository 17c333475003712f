// adopt: turns a single-tenant database into a multi-tenant one, by a plan that people read first.
import type { CommandSpec } from '../command.ts'
import { type Actions, actionOf } from '../actions.ts'
import { makePlanFile } from '../adopt-plan.ts'

const actions: Actions<undefined> = {
  plan: {
    words: 0,
    options: [
      ...['root', 'column', 'default', 'slugFrom', 'nameFrom', 'schema', 'target', 'decide', 'pilot'],
      ...['output', 'html', 'yes'],
    ],
    act: makePlanFile,
  },
}

export const adoptCommand: CommandSpec = {
  name: 'adopt',
  group: 'Data:',
  summary: 'Turn a single-tenant database into a multi-tenant one, by a plan that you read first.',
  notes: [
    '`adopt plan` only reads. It walks foreign keys from the root, asks what it cannot tell, and writes adopt.plan.yaml.',
    'Without a terminal it lists its questions; answer them with --decide, or in the file.',
  ],
  arguments: [['<action>', 'plan']],
  options: [
    { flags: '--root <table>', description: 'plan: the table whose rows are the tenants' },
    { flags: '--column <column>', description: 'plan: or the column that names the tenant, such as company_id' },
    { flags: '--default <slug>', description: 'plan: or the one tenant that everything belongs to' },
    { flags: '--slug-from <column...>', description: 'plan: columns of the root that make the slug' },
    { flags: '--name-from <column...>', description: 'plan: columns of the root that make the name' },
    { flags: '--schema <schema>', description: 'plan: where the tables are; default public' },
    {
      flags: '--target <target>',
      description: 'plan: what tenants are to have; default row',
      choices: ['row', 'schema'],
    },
    { flags: '--decide <decision...>', description: 'plan: t=global, t=tenant:via col→table, t=tenant:to slug' },
    { flags: '--pilot <slug...>', description: 'plan: tenants that are enforced for first' },
    { flags: '--output <file>', description: 'plan: where it goes; default adopt.plan.yaml, or .json' },
    { flags: '--html <file>', description: 'plan: draw the tables and what was decided, too' },
    { flags: '--yes', description: 'plan: replace a plan that is there' },
  ],
  examples: [
    { line: 'adopt plan --root customer', explains: 'each customer becomes a tenant' },
    { line: "adopt plan --root company --decide 'transfer=tenant:via from_account→account'", explains: 'and answer' },
    { line: 'adopt plan --root customer --html plan.html', explains: 'look at it in a browser' },
  ],
  exits: { 3: 'no such table', 4: 'the plan has questions, which are listed', 5: 'the database cannot be reached' },
  environment: [['DATABASE_ADMIN_URL', 'login that owns the tables']],
  async run(run) {
    await actionOf(run, 'adopt', actions).act(run, undefined)
    return undefined
  },
}
