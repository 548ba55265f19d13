// The tools that the protocol's conformance suite asks a server for, by its names and to the letter of its checks.
import type { ElicitRequestFormParams, McpServer } from '@modelcontextprotocol/server'
import * as z from 'zod'

const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=='
const SILENCE = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA='
const image = { type: 'image', data: PIXEL, mimeType: 'image/png' } as const
const text = (words: string) => ({ type: 'text', text: words }) as const
const resource = (words: string) =>
  ({ type: 'resource', resource: { uri: 'test://embedded-resource', mimeType: 'text/plain', text: words } }) as const

export function addFixtureTools(server: McpServer): void {
  addContentTools(server)
  addTalkingTools(server)
  addElicitationTools(server)
}

function addContentTools(server: McpServer): void {
  const say = (
    name: string,
    content: (ReturnType<typeof text> | typeof image | ReturnType<typeof resource> | { type: 'audio'; data: string; mimeType: string })[],
  ): void =>
    void server.registerTool(name, { description: `Answers with ${content.map(({ type }) => type).join(', ')}.` }, () => ({ content }))
  say('test_simple_text', [text('This is a simple text response for testing.')])
  say('test_image_content', [image])
  say('test_audio_content', [{ type: 'audio', data: SILENCE, mimeType: 'audio/wav' }])
  say('test_embedded_resource', [resource('This is an embedded resource content.')])
  say('test_multiple_content_types', [text('Multiple content types test:'), image, { ...resource('{"test":"data","value":123}') }])
  server.registerTool('test_error_handling', { description: 'Always fails.' }, () => ({
    isError: true,
    content: [text('This tool intentionally returns an error for testing')],
  }))
}

function addTalkingTools(server: McpServer): void {
  server.registerTool('test_tool_with_logging', { description: 'Logs three lines.' }, async ({ mcpReq }) => {
    for (const data of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) await mcpReq.log('info', data)
    return { content: [text('Tool with logging executed successfully')] }
  })
  server.registerTool('test_tool_with_progress', { description: 'Tells progress.' }, async ({ mcpReq }) => {
    const progressToken = mcpReq._meta?.progressToken ?? 0
    for (const progress of [0, 50, 100])
      await mcpReq.notify({
        method: 'notifications/progress',
        params: { progressToken, progress, total: 100, message: `Completed step ${progress} of 100` },
      })
    return { content: [text(String(progressToken))] }
  })
  server.registerTool(
    'test_sampling',
    { description: 'Asks the model of the client.', inputSchema: z.object({ prompt: z.string() }) },
    async ({ prompt }, { mcpReq }) => {
      const answer = await mcpReq.requestSampling({ messages: [{ role: 'user', content: text(prompt) }], maxTokens: 100 })
      return { content: [text(`LLM response: ${JSON.stringify(answer.content)}`)] }
    },
  )
  server.registerTool('test_reconnection', { description: 'Closes its stream in the middle.' }, async ({ http }) => {
    http?.closeSSE?.()
    return { content: [text('Reconnection test completed successfully.')] }
  })
}

function addElicitationTools(server: McpServer): void {
  const ask = (name: string, message: string, properties: object, required: string[] = []): void =>
    void server.registerTool(name, { description: 'Asks the person at the client.' }, async ({ mcpReq }) => {
      const answer = await mcpReq.elicitInput({
        message,
        requestedSchema: { type: 'object', properties, required } as ElicitRequestFormParams['requestedSchema'],
      })
      return { content: [text(`Elicitation completed: action=${answer.action}, content=${JSON.stringify(answer.content ?? {})}`)] }
    })
  server.registerTool(
    'test_elicitation',
    { description: 'Asks the person at the client.', inputSchema: z.object({ message: z.string() }) },
    async ({ message }, { mcpReq }) => {
      const properties = {
        username: { type: 'string', description: "User's response" },
        email: { type: 'string', description: "User's email address" },
      }
      const answer = await mcpReq.elicitInput({
        message,
        requestedSchema: { type: 'object', properties, required: ['username', 'email'] } as ElicitRequestFormParams['requestedSchema'],
      })
      return { content: [text(`User response: action=${answer.action}, content=${JSON.stringify(answer.content ?? {})}`)] }
    },
  )
  ask('test_elicitation_sep1034_defaults', 'Please review and update the form fields with defaults', {
    name: { type: 'string', description: 'User name', default: 'John Doe' },
    age: { type: 'integer', description: 'User age', default: 30 },
    score: { type: 'number', description: 'User score', default: 95.5 },
    status: { type: 'string', description: 'User status', enum: ['active', 'inactive', 'pending'], default: 'active' },
    verified: { type: 'boolean', description: 'Verification status', default: true },
  })
  const titled = [1, 2, 3].map((n) => ({ const: `value${n}`, title: `${['First', 'Second', 'Third'][n - 1]} Option` }))
  const plain = ['option1', 'option2', 'option3']
  ask('test_elicitation_sep1330_enums', 'Please select options from the enum fields', {
    untitledSingle: { type: 'string', description: 'Select one option', enum: plain },
    titledSingle: { type: 'string', description: 'Select one option with titles', oneOf: titled },
    legacyEnum: {
      type: 'string',
      description: 'Select one option (legacy)',
      enum: ['opt1', 'opt2', 'opt3'],
      enumNames: ['Option One', 'Option Two', 'Option Three'],
    },
    untitledMulti: {
      type: 'array',
      description: 'Select multiple options',
      minItems: 1,
      maxItems: 3,
      items: { type: 'string', enum: plain },
    },
    titledMulti: { type: 'array', description: 'Select multiple options with titles', minItems: 1, maxItems: 3, items: { anyOf: titled } },
  })
}
