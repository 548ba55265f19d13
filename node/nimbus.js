#!/usr/bin/env node
// The `nimbus` command. Makes sure that a Node runs it that can: this one, or the one that was installed beside Nimbus.
// Plain JavaScript of old, so that an old Node can read it and say what is needed.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const NEEDED = 24
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP']

if (Number(process.versions.node.split('.')[0]) >= NEEDED) {
  const { enableCompileCache } = await import('node:module')
  enableCompileCache() // types are stripped and code compiled once, not at every call
  await import('./main.ts')
} else {
  const system = process.platform === 'win32' ? 'win' : process.platform
  const name = process.platform === 'win32' ? 'node.exe' : 'node'
  const beside = fileURLToPath(new URL(`../node_modules/node-${system}-${process.arch}/bin/${name}`, import.meta.url))
  if (existsSync(beside)) runWith(beside)
  else {
    process.stderr.write(
      `nimbus: this needs Node ${NEEDED} or later; here is ${process.versions.node}.\n  Install it from https://nodejs.org, or run npm ci in the folder of Nimbus, which brings one along.\n`,
    )
    process.exitCode = 2
  }
}

/** Runs the same command with another Node and ends as it ends. Signals go on to it. */
function runWith(node) {
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' })
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      // A terminal sends Ctrl-C to both of us; passing it on would count twice, and twice means `at once`.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
    })
  }
  child.on('error', (error) => {
    process.stderr.write(`nimbus: ${node} cannot be started: ${error.message}\n`)
    process.exitCode = 1
  })
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1)
    for (const name of SIGNALS) process.removeAllListeners(name)
    process.kill(process.pid, signal)
  })
}
