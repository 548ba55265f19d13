// The statement of one build: which files it left, from which commit and lockfiles, by which commands with which tools, on which worker.
// Its facts come from the report that the worker's own program wrote, outside of the sandbox.
import * as z from 'zod'
import type { Material, ProvenanceStatement } from '../../../protocols/builds/provenance.ts'
import { BUILD_TYPE, PREDICATE_TYPE, STATEMENT_TYPE } from '../../../protocols/builds/provenance.ts'

export type BuildFacts = {
  task: string
  epoch: number
  worker: string
  repo?: string | undefined
  ref?: string | undefined
  commit?: string | undefined
  files: readonly { path: string; hash: string }[]
  finishedAt: number
  version: string
}

/** What a statement takes from a report. */
const reportFacts = z.looseObject({
  plan: z.looseObject({
    steps: z.array(z.looseObject({ phase: z.string(), argv: z.array(z.string()), dir: z.string(), reason: z.string() })),
  }),
  tools: z.record(z.string(), z.string()).optional(),
  materials: z.array(z.looseObject({ path: z.string(), sha256: z.string() })).optional(),
})

export function statementOf(facts: BuildFacts, report: unknown): ProvenanceStatement {
  const { plan, tools = {}, materials = [] } = reportFacts.parse(report)
  const source: Material[] =
    facts.repo === undefined
      ? []
      : [{ uri: `git+${facts.repo}`, ...(facts.commit === undefined ? {} : { digest: { gitCommit: facts.commit } }) }]
  return {
    _type: STATEMENT_TYPE,
    subject: facts.files.map(({ path, hash }) => ({ name: path, digest: { sha256: hash } })),
    predicateType: PREDICATE_TYPE,
    predicate: {
      buildDefinition: {
        buildType: BUILD_TYPE,
        externalParameters: {
          task: facts.task,
          ...(facts.repo === undefined ? {} : { repo: facts.repo }),
          ...(facts.ref === undefined ? {} : { ref: facts.ref }),
        },
        internalParameters: {
          steps: plan.steps.map(({ phase, argv, dir, reason }) => ({ phase, argv, dir, reason })),
          tools,
        },
        resolvedDependencies: [...source, ...materials.map(({ path, sha256 }) => ({ uri: `file:${path}`, digest: { sha256 } }))],
      },
      runDetails: {
        builder: { id: `nimbus:worker/${facts.worker}`, version: { nimbus: facts.version } },
        metadata: { invocationId: `${facts.task}/${facts.epoch}`, finishedOn: new Date(facts.finishedAt).toISOString() },
      },
    },
  }
}
