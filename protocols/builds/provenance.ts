// What a worker states of a build and signs: an in-toto statement with the SLSA provenance of its files, in a DSSE envelope. Others than
// Nimbus read it too, so its names are those of the two standards.
import * as z from 'zod'

export const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1'
export const PREDICATE_TYPE = 'https://slsa.dev/provenance/v1'
export const BUILD_TYPE = 'https://nimbus.invalid/build/v1'
export const PAYLOAD_TYPE = 'application/vnd.in-toto+json'
/** Under this name the envelope is one of the files of a build. */
export const PROVENANCE_NAME = 'nimbus-provenance.json'
export const ENVELOPE_BYTES_MAX = 1024 * 1024

const digest = z.record(z.string().max(32), z.string().max(128))
const material = z.looseObject({ uri: z.string().max(4096), digest: digest.optional() })
export type Material = z.infer<typeof material>

export const provenanceStatement = z.looseObject({
  _type: z.literal(STATEMENT_TYPE),
  subject: z
    .array(z.looseObject({ name: z.string().max(1024), digest }))
    .min(1)
    .max(512),
  predicateType: z.literal(PREDICATE_TYPE),
  predicate: z.looseObject({
    buildDefinition: z.looseObject({
      buildType: z.string().max(256),
      /** What whoever published the task asked for. */
      externalParameters: z.looseObject({ repo: z.string().optional(), ref: z.string().optional(), task: z.string().max(64) }),
      /** The plan as it was carried out: the reason of each command beside it. */
      internalParameters: z.looseObject({
        steps: z.array(z.looseObject({ phase: z.string(), argv: z.array(z.string()), dir: z.string(), reason: z.string() })).max(256),
        tools: z.record(z.string(), z.string()),
      }),
      resolvedDependencies: z.array(material).max(256),
    }),
    runDetails: z.looseObject({
      builder: z.looseObject({ id: z.string().max(256), version: z.record(z.string(), z.string()).optional() }),
      metadata: z.looseObject({ invocationId: z.string().max(128), finishedOn: z.string().max(64) }),
    }),
  }),
})
export type ProvenanceStatement = z.infer<typeof provenanceStatement>

export const dsseEnvelope = z.looseObject({
  payloadType: z.literal(PAYLOAD_TYPE),
  /** Base64. */
  payload: z.string().max(ENVELOPE_BYTES_MAX),
  signatures: z
    .array(z.looseObject({ keyid: z.string().max(128), sig: z.string().max(256) }))
    .min(1)
    .max(8),
})
export type DsseEnvelope = z.infer<typeof dsseEnvelope>
