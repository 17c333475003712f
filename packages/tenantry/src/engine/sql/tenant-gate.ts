// Where a scope meets the registry: each statement asks again whether its tenant may be entered, from memory where
// the registry has it, and gets the prelude that takes it in.
import { bypassesMode, type Scope, type ScopedTenant, type TenantSource } from '../context/scope.ts'
import type { Entrance } from './entrance.ts'
import type { Prelude } from './prelude.ts'

export class TenantGate {
  readonly #source: TenantSource
  readonly #entrance: Entrance
  readonly #statementTimeoutMs: number | undefined

  constructor(source: TenantSource, entrance: Entrance, statementTimeoutMs: number | undefined) {
    this.#source = source
    this.#entrance = entrance
    this.#statementTimeoutMs = statementTimeoutMs
  }

  /** The scope's tenant from memory; undefined where the registry must be read. Throws where it may not be entered. */
  peek(scope: Scope): ScopedTenant | undefined {
    return this.#source.peek(scope.tenantId, scope.claims)
  }

  admit(scope: Scope): Promise<ScopedTenant> {
    return this.#source.admitted(scope.tenantId, scope.claims)
  }

  prelude(scope: Scope, tenant: ScopedTenant, timeoutMs?: number): Prelude {
    const statementTimeoutMs = timeoutMs ?? this.#statementTimeoutMs
    const readOnly = this.isReadOnly(scope, tenant)
    return this.#entrance.prelude({ tenant, claims: scope.claims, statementTimeoutMs, readOnly })
  }

  /** Whether the scope may only read: by its own choice, or by the mode of its tenant. */
  isReadOnly(scope: Scope, tenant: ScopedTenant): boolean {
    return scope.readOnly || (tenant.mode !== 'normal' && !bypassesMode(tenant, scope.claims))
  }
}
