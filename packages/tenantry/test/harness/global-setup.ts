// One PostgreSQL cluster for the whole run; test files meet it through createTestDatabase.
import type { TestProject } from 'vitest/node'
import { startTestCluster } from './cluster.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Superuser connection string of the run's cluster. */
    clusterUrl: string
    /** Its major version of PostgreSQL. */
    clusterVersion: number
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const cluster = await startTestCluster()
  project.provide('clusterUrl', cluster.server.url)
  project.provide('clusterVersion', cluster.server.version)
  return async () => {
    try {
      await cluster.close()
    } catch (error) {
      // Vitest prints an error of a teardown and still ends with success.
      process.exitCode = 1
      throw error
    }
  }
}
