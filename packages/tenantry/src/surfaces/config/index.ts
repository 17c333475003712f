// What `import 'tenantry/config'` offers.
export { defineConfig } from './define-config.ts'
export { type ConfigVariable, configVariables } from './environment.ts'
export { loadConfig, type LoadConfigOptions } from './load-config.ts'
