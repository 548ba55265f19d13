// What a build left: each file to download, and to verify: who built it, from which commit, with which materials.
import { useState } from 'preact/hooks'
import type { BuildDetail, ProvenanceView } from '../../../../protocols/builds/build-views.ts'
import { shortCommit } from '../../models/code/build-facts.ts'
import { bytesText } from '../../models/text/bytes.ts'
import { fullTimeText } from '../../models/text/durations.ts'
import { inertText } from '../../models/text/inert-text.ts'
import { CommandLine, ShortId } from '../../parts/copy.tsx'
import { Facts } from '../../parts/facts.tsx'
import { Callout, ProblemNote } from '../../parts/notes.tsx'
import { usePage } from '../../parts/page-context.ts'
import { type ApiError, asApiError } from '../../transport/api-error.ts'

const MATERIALS_SHOWN = 20

export function BuildFiles(props: { build: BuildDetail }) {
  const { artifacts } = props.build
  if (artifacts.length === 0) return null
  const bytes = artifacts.reduce((sum, { size }) => sum + size, 0)
  return (
    <section aria-labelledby="files">
      <h2 id="files">
        Files{' '}
        <span class="muted number">
          {artifacts.length}, {bytesText(bytes)}
        </span>
      </h2>
      <ul class="rows">
        {artifacts.map((file) => (
          <File key={file.path} file={file} />
        ))}
      </ul>
    </section>
  )
}

function File(props: { file: BuildDetail['artifacts'][number] }) {
  const { path, hash, size } = props.file
  const { transport } = usePage().dashboard
  const [proof, setProof] = useState<ProvenanceView | ApiError | 'asked'>()
  const verify = () => {
    setProof('asked')
    transport.code.verify(hash).then(setProof, (thrown: unknown) => setProof(asApiError(thrown)))
  }
  return (
    <li class="file">
      <div class="row-main">
        <a class="row-title" href={`/api/artifacts/${hash}`} download={path.split('/').at(-1)}>
          {inertText(path)}
        </a>{' '}
        <span class="muted number">{bytesText(size)}</span> <ShortId id={hash} what="its hash" />
        {proof !== undefined && proof !== 'asked' && <Proof proof={proof} hash={hash} />}
      </div>
      <button type="button" class="small" disabled={proof === 'asked'} aria-label={`Verify ${inertText(path)}`} onClick={verify}>
        {proof === 'asked' ? 'Verifying' : 'Verify'}
      </button>
    </li>
  )
}

function Proof(props: { proof: ProvenanceView | ApiError; hash: string }) {
  const { proof } = props
  if (proof instanceof Error) return <ProblemNote error={proof} what="Not verified." />
  const materials = proof.materials.slice(0, MATERIALS_SHOWN)
  return (
    <Callout tone="info" title={`Verified: ${inertText(proof.workerName)} built and signed it, and these are its bytes.`}>
      <Facts
        of={[
          ['Built by', <a href={`/workers/${proof.worker}`}>{inertText(proof.workerName)}</a>],
          ['From', proof.repo && <span class="break">{inertText([proof.repo, proof.ref].filter(Boolean).join(' at '))}</span>],
          ['Commit', proof.commit && <span class="mono">{shortCommit(proof.commit)}</span>],
          ['Finished', fullTimeText(Date.parse(proof.finishedAt))],
          [
            'Made of',
            materials.length > 0 && (
              <ul class="plain mono break">
                {materials.map(({ uri }) => (
                  <li key={uri}>{inertText(uri)}</li>
                ))}
                {proof.materials.length > materials.length && <li>and {proof.materials.length - materials.length} more</li>}
              </ul>
            ),
          ],
          ['Statement', <ShortId id={proof.envelope} what="the hash of the signed statement" />],
        ]}
      />
      <CommandLine command={`nimbus artifact verify ${props.hash}`} />
    </Callout>
  )
}
