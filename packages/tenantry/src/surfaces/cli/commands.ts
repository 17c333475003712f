// Every command there is, in the order of the help.
import type { CommandSpec } from './command.ts'
import { adoptCommand } from './commands/adopt.ts'
import { changeCommand } from './commands/changes.ts'
import { credentialsCommand } from './commands/credentials.ts'
import { configCommand } from './commands/config.ts'
import { devCommand } from './commands/dev.ts'
import { externalCommand } from './commands/external.ts'
import { explainCommand } from './commands/explain.ts'
import { invitationCommand } from './commands/invitations.ts'
import { keyCommand } from './commands/keys.ts'
import {
  activateCommand,
  deactivateCommand,
  provisionCommand,
  restoreCommand,
  suspendCommand,
} from './commands/lifecycle.ts'
import { memberCommand } from './commands/members.ts'
import { fleetCommand } from './commands/fleet.ts'
import { migrateCommand } from './commands/migrate.ts'
import { modeCommand } from './commands/mode.ts'
import { organizationCommand } from './commands/organizations.ts'
import { operatorCommand } from './commands/operators.ts'
import { supportCommand } from './commands/support.ts'
import { lintCommand } from './commands/lint.ts'
import { deleteCommand, purgeCommand } from './commands/removal.ts'
import { roleCommand } from './commands/roles.ts'
import { serveCommand } from './commands/serve.ts'
import { doctorCommand, initCommand } from './commands/setup.ts'
import { sqlCommand } from './commands/sql.ts'
import { statsCommand } from './commands/stats.ts'
import { protectCommand } from './commands/table.ts'
import { teamCommand } from './commands/teams.ts'
import { tokenCommand } from './commands/token.ts'
import { createCommand, listCommand, showCommand, updateCommand } from './commands/tenants.ts'
import { verifyCommand } from './commands/verify.ts'

export const commands: readonly CommandSpec[] = [
  devCommand,
  serveCommand,
  initCommand,
  doctorCommand,
  configCommand,
  verifyCommand,
  lintCommand,
  createCommand,
  listCommand,
  showCommand,
  updateCommand,
  statsCommand,
  memberCommand,
  roleCommand,
  invitationCommand,
  organizationCommand,
  teamCommand,
  provisionCommand,
  suspendCommand,
  activateCommand,
  deactivateCommand,
  modeCommand,
  deleteCommand,
  restoreCommand,
  purgeCommand,
  migrateCommand,
  changeCommand,
  fleetCommand,
  credentialsCommand,
  supportCommand,
  operatorCommand,
  keyCommand,
  sqlCommand,
  explainCommand,
  protectCommand,
  adoptCommand,
  tokenCommand,
  externalCommand,
]
