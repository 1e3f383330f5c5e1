// Google's Node client, driven by lines of JSON: one question a line on stdin, one answer a line on stdout.
import { createInterface } from 'node:readline';
import { calendar } from '@googleapis/calendar';
import { OAuth2Client } from 'google-auth-library';

const connections = new Map();

function connect({ connect: connection, google, clientId, clientSecret, tokens }) {
  const endpoints = {
    oauth2AuthBaseUrl: `${google}/o/oauth2/v2/auth`,
    oauth2TokenUrl: `${google}/token`,
    oauth2RevokeUrl: `${google}/revoke`,
  };
  const auth = new OAuth2Client({ clientId, clientSecret, endpoints });
  auth.setCredentials(tokens);
  connections.set(connection, calendar({ version: 'v3', auth, rootUrl: google }));
}

async function call({ connection, method, parameters, headers }) {
  const [collection, name] = method.split('.');
  const { data } = await connections.get(connection)[collection][name](parameters, { headers });
  return data || null; // a 204 has no body
}

async function answer(question) {
  if ('connect' in question) return connect(question);
  if ('disconnect' in question) return connections.delete(question.disconnect);
  return call(question);
}

function failure(error) {
  const cause = error.response?.data?.error;
  if (typeof cause === 'string') return { refused: { status: error.response.status, reason: cause } };
  if (cause) return { refused: { status: error.response.status, reason: cause.errors[0].reason } };
  if (error.config) return { lost: error.message }; // the library asked, and no answer came
  throw error;
}

for await (const line of createInterface({ input: process.stdin })) {
  const reply = await answer(JSON.parse(line)).then((result) => ({ answer: result ?? null }), failure);
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
