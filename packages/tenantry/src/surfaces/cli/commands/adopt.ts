// adopt: turns a single-tenant database into a multi-tenant one, by a plan that people read first.
import type { CommandSpec } from '../command.ts'
import { type Actions, actionOf } from '../actions.ts'
import { applyPlanFile, revertStages, showStatus } from '../adopt-apply.ts'
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
  apply: { words: 0, options: ['plan', 'to', 'batchSize', 'throttle', 'maxLag', 'yes'], act: applyPlanFile },
  revert: { words: 0, options: ['to', 'yes'], act: revertStages },
  status: { words: 0, act: showStatus },
}

export const adoptCommand: CommandSpec = {
  name: 'adopt',
  group: 'Data:',
  summary: 'Turn a single-tenant database into a multi-tenant one, by a plan that you read first.',
  notes: [
    '`adopt plan` only reads. It walks foreign keys from the root, asks what it cannot tell, and writes adopt.plan.yaml.',
    'Without a terminal it lists its questions; answer them with --decide, or in the file.',
    '`adopt apply` goes through the stages while the application works, and on where it stopped; `adopt revert` goes back.',
    'Stages: tenants, columns, backfill, required, keys, then observe, pilot, enforce; with --target schema: split.',
  ],
  arguments: [['<action>', 'plan, apply, revert or status']],
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
    { flags: '--plan <file>', description: 'apply: the plan; default adopt.plan.yaml' },
    { flags: '--to <stage>', description: 'apply: the last stage to do; revert: the last one to keep' },
    { flags: '--batch-size <rows>', description: 'apply: rows a transaction of the backfill; default 5000' },
    { flags: '--throttle <times>', description: 'apply: pause after a batch, as a multiple of its time; default 0' },
    {
      flags: '--max-lag <ms>',
      description: 'apply: pause while a replica is further behind; default: none is looked at',
    },
    { flags: '--yes', description: 'plan: replace a plan that is there; apply, revert: do not ask' },
  ],
  examples: [
    { line: 'adopt plan --root customer', explains: 'each customer becomes a tenant' },
    { line: "adopt plan --root company --decide 'transfer=tenant:via from_account→account'", explains: 'and answer' },
    { line: 'adopt plan --root customer --html plan.html', explains: 'look at it in a browser' },
    { line: 'adopt apply --to observe --throttle 0.5', explains: 'up to the stage that only watches' },
    { line: 'adopt status --json', explains: '{stage, stages, tables, observed}' },
    { line: 'adopt revert --to keys', explains: 'take back what came after keys' },
  ],
  exits: {
    1: 'a stage failed; apply again to go on',
    3: 'no such table, or no plan',
    4: 'the plan has questions, or the database does not fit it',
    5: 'the database cannot be reached',
    130: 'interrupted at the question; nothing was done',
  },
  environment: [['DATABASE_ADMIN_URL', 'login that owns the tables']],
  async run(run) {
    await actionOf(run, 'adopt', actions).act(run, undefined)
    return undefined
  },
}
