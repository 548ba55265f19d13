// DSSE: a payload and signatures over its type and bytes (the pre-authentication encoding), so that a signature made for one kind of thing
// never counts for another. Blocks of a log are maps in CBOR: no encoding of one begins like this.
import type { DsseEnvelope, ProvenanceStatement } from '../../../protocols/builds/provenance.ts'
import { dsseEnvelope, ENVELOPE_BYTES_MAX, PAYLOAD_TYPE, provenanceStatement } from '../../../protocols/builds/provenance.ts'
import { NimbusError } from '../../kernel/errors.ts'

export type Signer = { keyId: string; sign(bytes: Uint8Array): Uint8Array }
/** Whether the signature is this key's own over the bytes. */
export type Verify = (keyId: string, bytes: Uint8Array, signature: Uint8Array) => boolean

export function sealStatement(statement: ProvenanceStatement, { keyId, sign }: Signer): Uint8Array {
  const payload = Buffer.from(JSON.stringify(statement))
  const envelope: DsseEnvelope = {
    payloadType: PAYLOAD_TYPE,
    payload: payload.toString('base64'),
    signatures: [{ keyid: keyId, sig: Buffer.from(sign(signedBytes(payload))).toString('base64') }],
  }
  return Buffer.from(`${JSON.stringify(envelope)}\n`)
}

/** @throws NimbusError `provenance-refused` that says what is wrong with it */
export function openStatement(bytes: Uint8Array, verify: Verify): { statement: ProvenanceStatement; keyId: string } {
  if (bytes.length > ENVELOPE_BYTES_MAX) throw refused(`it is larger than ${ENVELOPE_BYTES_MAX} bytes`)
  const envelope = dsseEnvelope.safeParse(jsonOf(bytes))
  if (!envelope.success) throw refused(`it is no envelope: ${envelope.error.issues[0]?.message ?? ''}`)
  const payload = Buffer.from(envelope.data.payload, 'base64')
  const signed = signedBytes(payload)
  const good = envelope.data.signatures.find(({ keyid, sig }) => verify(keyid, signed, new Uint8Array(Buffer.from(sig, 'base64'))))
  if (good === undefined) throw refused('no signature in it is right')
  const statement = provenanceStatement.safeParse(jsonOf(payload))
  if (!statement.success) throw refused(`its statement is not one of a build: ${statement.error.issues[0]?.message ?? ''}`)
  return { statement: statement.data, keyId: good.keyid }
}

export function refused(why: string): NimbusError {
  return new NimbusError('provenance-refused', `The provenance is refused: ${why}.`, {
    kind: 'refused',
    cure: 'Do not use the file; build it again on a worker that you trust.',
  })
}

/** `DSSEv1 LENGTH TYPE LENGTH PAYLOAD` */
function signedBytes(payload: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(PAYLOAD_TYPE)} ${PAYLOAD_TYPE} ${payload.length} `), payload])
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch {
    return undefined // the schema says what is expected instead
  }
}
