// Our way of speaking MCP over HTTP, with what the conformance suite asks for behind it instead of the tools of the mesh.
import { createAdaptorServer } from '@hono/node-server'
import { fromJsonSchema, McpServer, ResourceTemplate } from '@modelcontextprotocol/server'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import * as z from 'zod'
import { createMcpHttp } from '../../../../node/agents/mcp/http-sessions.ts'
import { createSystemClock } from '../../../../node/kernel/clock.ts'
import { createSystemRandom } from '../../../../node/kernel/random.ts'
import { addFixtureTools } from './fixture-tools.ts'

const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=='

export async function startFixtureServer(): Promise<{ url: string; close(): Promise<void> }> {
  const mcp = createMcpHttp<undefined>({
    clock: createSystemClock(),
    random: createSystemRandom(),
    createServer: async () => createFixture(),
  })
  const fetch = async (request: Request): Promise<Response> => {
    const body: unknown = request.method === 'POST' ? await request.json() : undefined
    return mcp.fetch(request, { owner: 'suite', caller: undefined, body })
  }
  const server = createAdaptorServer({ fetch, overrideGlobalObjects: false }) as Server
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    async close() {
      await mcp.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function createFixture(): McpServer {
  const capabilities = { logging: {}, completions: {}, resources: { subscribe: true, listChanged: true } }
  const server = new McpServer({ name: 'fixture', version: '1' }, { capabilities })
  addFixtureTools(server)
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    $defs: { address: { type: 'object', properties: { street: { type: 'string' }, city: { type: 'string' } } } },
    properties: { name: { type: 'string' }, address: { $ref: '#/$defs/address' } },
    additionalProperties: false,
  } as const
  server.registerTool(
    'json_schema_2020_12_tool',
    { description: 'Tool with JSON Schema 2020-12 features', inputSchema: fromJsonSchema(schema) },
    (given) => ({
      content: [{ type: 'text', text: JSON.stringify(given) }],
    }),
  )
  addResources(server)
  addPrompts(server)
  return server
}

function addResources(server: McpServer): void {
  const read = (uri: string, mimeType: string, body: { text: string } | { blob: string }): void =>
    void server.registerResource(uri, uri, { title: uri, description: 'For the suite', mimeType }, () => ({
      contents: [{ uri, mimeType, ...body }],
    }))
  read('test://static-text', 'text/plain', { text: 'This is the content of the static text resource.' })
  read('test://static-binary', 'image/png', { blob: PIXEL })
  read('test://watched-resource', 'text/plain', { text: 'Watched resource content' })
  const template = new ResourceTemplate('test://template/{id}/data', { list: undefined })
  server.registerResource('template', template, { title: 'Template', mimeType: 'application/json' }, (uri, { id }) => ({
    contents: [
      { uri: uri.href, mimeType: 'application/json', text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${String(id)}` }) },
    ],
  }))
  server.server.setRequestHandler('resources/subscribe', () => ({}))
  server.server.setRequestHandler('resources/unsubscribe', () => ({}))
}

function addPrompts(server: McpServer): void {
  const text = (words: string) => ({ role: 'user', content: { type: 'text', text: words } }) as const
  server.registerPrompt('test_simple_prompt', { description: 'Simple' }, () => ({
    messages: [text('This is a simple prompt for testing.')],
  }))
  const two = z.object({ arg1: z.string().describe('First test argument'), arg2: z.string().describe('Second test argument') })
  server.registerPrompt('test_prompt_with_arguments', { description: 'Arguments', argsSchema: two }, ({ arg1, arg2 }) => ({
    messages: [text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)],
  }))
  const one = z.object({ resourceUri: z.string().describe('URI of the resource to embed') })
  server.registerPrompt('test_prompt_with_embedded_resource', { description: 'Resource', argsSchema: one }, ({ resourceUri }) => ({
    messages: [
      {
        role: 'user',
        content: {
          type: 'resource',
          resource: { uri: resourceUri, mimeType: 'text/plain', text: 'Embedded resource content for testing.' },
        },
      },
      text('Please process the embedded resource above.'),
    ],
  }))
  server.registerPrompt('test_prompt_with_image', { description: 'Image' }, () => ({
    messages: [{ role: 'user', content: { type: 'image', data: PIXEL, mimeType: 'image/png' } }, text('Please analyze the image above.')],
  }))
  server.server.setRequestHandler('completion/complete', () => ({ completion: { values: [], total: 0, hasMore: false } }))
}
