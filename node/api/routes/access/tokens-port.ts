// What the API asks of the tokens of the mesh.
import type { MadeToken, RevokedToken, TokenRequest, TokenView } from '../../../../protocols/access/token-views.ts'
import type { Verb } from '../../../../protocols/agents/capability.ts'

/** Tokens for people and programs; the text of one comes out once. */
export type TokensPort = {
  list(): TokenView[]
  create(request: TokenRequest): Promise<MadeToken>
  revoke(which: string): Promise<RevokedToken>
}

/** Tokens of the mesh. */
export type UserTokens = {
  /** Undefined where the text is none. @throws NimbusError where it is one that counts no more; `ended` fires when it stops counting */
  check(text: string): { id: string; name: string; role: string; verbs: readonly Verb[]; ended: AbortSignal } | undefined
}
