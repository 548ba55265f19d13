import { afterEach, describe, expect, test, vi } from 'vitest'
import { aBuild, aHostedRepo, aRepo } from '../code-fixtures.ts'
import { type RenderedPage, renderPage } from '../render-page.tsx'

/** The page paints once a frame; the clock of ages ticks once a second. */
const SOON = { timeout: 4_000 }
const EVIL = '\u001b[31m<img src=x>\u001b[0m \u202e'
let page: RenderedPage | undefined
afterEach(() => page?.close())

describe('builds', () => {
  test('a mesh without one teaches the command', async () => {
    page = await renderPage('/builds')
    await expect.poll(page.text, SOON).toContain('nimbus task run --kind build')
  })

  test('the filter of the address is asked of the node, and a change comes by itself', async () => {
    const failed = aBuild(2, 'failed', { reason: `${EVIL} two tests fail` })
    page = await renderPage('/builds?state=failed&q=app', ({ state }) => state.builds.push(aBuild(1, 'succeeded'), failed))
    await expect.poll(page.text, SOON).toContain('<img src=x> · two tests fail')
    expect(page.transport.calls).toContain('builds {"limit":100,"q":"app","state":"failed"}')
    expect(page.root.querySelectorAll('tbody tr')).toHaveLength(1)
    expect(page.root.querySelector('img')).toBeNull()
    page.transport.state.builds = [aBuild(3, 'failed', { reason: 'the compiler is missing' })]
    page.transport.emit('build.updated', aBuild(3, 'failed'))
    await expect.poll(page.text, SOON).toContain('the compiler is missing')
  })

  test('one build says how it was planned and why, what failed, what was done about it, and where it moved', async () => {
    const { id } = aBuild(2, 'failed')
    page = await renderPage(`/builds/${id}`, ({ state }) =>
      state.builds.push(
        aBuild(2, 'failed', { reason: 'two tests of room ledger fail', lastGood: { task: 'older', commit: 'c'.repeat(40) } }),
      ),
    )
    await expect.poll(page.text, SOON).toContain('Two tests of room ledger fail.')
    expect(page.root.querySelector('a[href="/builds/older"]')).not.toBeNull()
    expect(page.text()).toContain('package.json with a lockfile: npm ci')
    expect(page.text()).toContain('exit 1: network: the registry reset the connection')
    expect(page.text()).toContain('Tried again: waited 2 s and fetched what was missing')
    expect(page.text()).toContain('4, one recovery')
    expect(page.text()).toContain('alder has no Rust')
    expect(page.text()).toContain('412 packages, 61 MB, from the mesh')
  })

  test('a file is downloaded by its hash, and verified with what stands behind it', async () => {
    const build = aBuild(2, 'succeeded')
    const [file] = build.artifacts
    page = await renderPage(`/builds/${build.id}`, ({ state }) => state.builds.push(build))
    await expect.poll(page.text, SOON).toContain('dist/app.tar')
    const link = page.root.querySelector('a[download="app.tar"]')
    expect(link?.getAttribute('href')).toBe(`/api/artifacts/${file?.hash}`)
    page.button('Verify dist/app.tar').click()
    await expect.poll(page.text, SOON).toContain('Verified: birch built and signed it')
    expect(page.transport.calls).toContain(`verify ${file?.hash}`)
    expect(page.text()).toContain('git+https://example.org/team/app.git@')
  })

  test('a build that runs shows its step, and its end by itself', async () => {
    const running = aBuild(1, 'running', { phase: 'test', step: 'npm test', percent: 66, tries: [], artifacts: [] })
    page = await renderPage(`/builds/${running.id}`, ({ state }) => state.builds.push(running))
    await expect.poll(page.text, SOON).toContain('test: npm test, 66%')
    page.transport.state.builds = [aBuild(1, 'succeeded')]
    page.transport.emit('build.updated', aBuild(1, 'succeeded'))
    await expect.poll(page.text, SOON).toContain('dist/app.tar')
  })

  test('an unknown build is said plainly', async () => {
    page = await renderPage('/builds/nothing')
    await expect.poll(page.text, SOON).toContain('No build has the ID nothing.')
  })
})

describe('repositories', () => {
  test('the list says who keeps what whole, how far a clone is, and what went wrong', async () => {
    page = await renderPage('/repos', ({ state }) => {
      state.hosted.push(aHostedRepo('library'))
      const progress = { phase: 'receiving', loaded: 8_120, total: 13_000, percent: 62, bytesPerSecond: 1_400_000 }
      state.repos.push(aRepo('nimbus', { state: 'fetching', progress }), aRepo('bad', { state: 'failed', error: `${EVIL} refused` }))
    })
    await expect.poll(page.text, SOON).toContain('1 hosted by the mesh, 2 kept here')
    expect(page.text()).toContain('alder, birch, elm 1 of 3 whole')
    expect(page.text()).toContain('receiving, 8,120 of 13,000, 1.4 MB/s, 62%')
    expect(page.text()).toContain('<img src=x> · refused')
    expect(page.text()).toContain('cloning nimbus-mesh, 62%')
    expect(page.root.querySelector('img')).toBeNull()
  })

  test('one that is kept here says what would be lost with its work trees, and is fetched by a button', async () => {
    page = await renderPage('/repos/app', ({ state }) => state.repos.push(aRepo('app')))
    await expect.poll(page.text, SOON).toContain('2 changed, 1 not pushed')
    expect(page.text()).toContain('no work that is nowhere else')
    page.button('Fetch').click()
    await vi.waitFor(() => expect(page?.transport.calls).toContain('fetch repo app'))
  })

  test('one that the mesh hosts has its own address', async () => {
    page = await renderPage('/repos/mesh/library', ({ state }) => state.hosted.push(aHostedRepo('library')))
    await expect.poll(page.text, SOON).toContain('1 of 3 workers have all of it')
    expect(page.text()).toContain('git clone nimbus://mesh/library')
    expect(page.text()).toContain('fix/ledger')
    expect(page.text()).toContain('is being brought up to date')
  })
})
