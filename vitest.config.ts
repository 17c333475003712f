import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { SkipReporter } from './packages/tenantry/test/harness/skip-reporter.ts'

export default defineConfig({
  test: {
    include: ['packages/*/{src,test}/**/*.test.ts'],
    globalSetup: ['packages/tenantry/test/harness/global-setup.ts'],
    pool: 'forks',
    // Half of the time a test waits for the server, so two of them fit on two cores.
    maxWorkers: Math.max(2, Math.floor(availableParallelism() / 2)),
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: ['default', new SkipReporter()],
  },
})
