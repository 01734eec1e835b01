"""Sound MCP servers over Streamable HTTP, with hooks. A case overrides exactly one thing."""
import secrets

from wire import STREAM, TEXT, UNREADABLE, Server, frame, wait


MODERN = '2026-07-28'


LEGACY = ('2025-11-25', '2025-06-18', '2025-03-26')


KEY = 'io.modelcontextprotocol/'


TOKEN = 'loopback-demo-credential'


def tool(name, description='Looks up one record by its number.', schema=None, **more):
    schema = schema or {'type': 'object', 'properties': {'id': {'type': 'integer', 'description': 'Number of the record.'}}}
    return {'name': name, 'title': str(name).replace('_', ' ').capitalize(), 'description': description, 'inputSchema': schema,
            'annotations': {'readOnlyHint': True, 'destructiveHint': False, 'openWorldHint': False}, **more}


def failure(code, message, data=None):
    return {'error': {'code': code, 'message': message, **({'data': data} if data else {})}}


class Mcp(Server):
    """Streamable HTTP. `eras` says which; legacy servers have sessions and a GET stream unless told otherwise."""
    eras = ('legacy',)
    sessions = True
    streams = False             # answer a POST by an event stream
    listens = True              # GET opens a stream (legacy)
    beat = 2.0                  # seconds between keep-alives
    versions = LEGACY
    capabilities = {'tools': {}}
    tools = [tool('get_record'), tool('count_records', 'Counts the records of a collection.')]
    any_origin = False
    head = STREAM               # header of an event stream

    def __init__(self):
        super().__init__()
        self.live = {}          # session id -> what a case wants to remember

    # hooks that may answer themselves (and then return True)
    def early(self, r, c): return None
    def elsewhere(self, r, c): return None
    def gate(self, r, c): return None
    def request(self, r, c, m): return None
    def preflight(self, r, c): return c.send(405, [('Allow', 'GET, POST, DELETE')])
    def cors(self, r): return []

    # --- HTTP
    def answer(self, r, c):
        c.extra = self.cors(r) if 'origin' in r.headers else []
        if self.early(r, c):
            return
        if r.path != self.path:
            return self.elsewhere(r, c) or c.send(404, TEXT, 'Not Found')
        if r.host.rsplit(':', 1)[0] not in ('127.0.0.1', 'localhost'):
            return self.error(c, 403, -32000, 'Invalid Host header')
        if not self.any_origin and 'origin' in r.headers:
            return self.error(c, 403, -32000, 'Invalid Origin header')
        if r.method == 'OPTIONS':
            return self.preflight(r, c)
        if self.gate(r, c):
            return
        handler = {'POST': self.post, 'GET': self.get, 'DELETE': self.delete}.get(r.method)
        return handler(r, c) if handler else c.send(405, [('Allow', 'GET, POST, DELETE')])

    def error(self, c, status, code, message, id=None, data=None):
        return c.reply(status, {'jsonrpc': '2.0', 'id': id, **failure(code, message, data)})

    def media_ok(self, r): return r.headers.get('content-type', '').split(';')[0].strip().lower() == 'application/json'

    def accept_ok(self, r):
        accept = r.headers.get('accept', '')
        return '*/*' in accept or ('application/json' in accept and 'text/event-stream' in accept)

    def post(self, r, c):
        m = r.json
        if not self.media_ok(r):
            return self.error(c, 415, -32000, 'Content-Type must be application/json')
        if not self.accept_ok(r):
            return self.error(c, 406, -32000, 'Both media types must be acceptable')
        if m is UNREADABLE:
            return self.error(c, 400, -32700, 'Parse error')
        if not isinstance(m, dict) or m.get('jsonrpc') != '2.0' or not isinstance(m.get('method', 'x'), str) or m.get('method') == '' \
                or ('method' not in m and 'result' not in m and 'error' not in m) \
                or ('id' in m and (isinstance(m['id'], bool) or not isinstance(m['id'], (int, str)))):
            return self.error(c, 400, -32600, 'Invalid Request')
        if not isinstance(m.get('params', {}), dict):
            return self.error(c, 400, -32602, 'params must be an object', m.get('id'))
        meta = m.get('params', {}).get('_meta')
        meta = meta if isinstance(meta, dict) else {}
        version = r.headers.get('mcp-protocol-version')
        if 'legacy' not in self.eras or ('modern' in self.eras and m.get('method') != 'initialize' and (KEY + 'protocolVersion' in meta or version == MODERN)):
            return self.modern(r, c, m, meta, version)
        return self.legacy(r, c, m)

    def reply(self, r, c, value, headers=()):
        if not self.streams:
            return c.reply(200, value, headers)
        c.open(200, [*self.head, *headers])
        c.chunk(frame(value))
        return c.end()

    def result(self, m):
        """What a well-formed request is answered with: {'result': …} or {'error': …}."""
        if m['method'] == 'ping' and 'legacy' in self.eras:
            return {'result': {}}
        if m['method'] == 'tools/list':
            cursor = m.get('params', {}).get('cursor')
            if cursor is not None and type(self).page is Mcp.page:
                return failure(-32602, 'Unknown cursor')
            return {'result': self.page(cursor)}
        if m['method'] == 'tools/call':
            return failure(-32602, 'Unknown tool')
        return failure(-32601, 'Method not found')

    def page(self, cursor): return {'tools': self.tools}

    # --- 2025-03-26 to 2025-11-25
    def version_ok(self, r, c):
        version = r.headers.get('mcp-protocol-version')
        return version is None or version in self.versions or not self.error(c, 400, -32000, 'Unsupported protocol version')

    def no_session(self, r, c): return self.error(c, 400, -32000, 'Mcp-Session-Id is missing')
    def bad_session(self, r, c): return self.error(c, 404, -32001, 'Session not found')

    def session_ok(self, r, c):
        if not self.sessions:
            return True
        id = r.headers.get('mcp-session-id')
        return id in self.live or not (self.bad_session(r, c) if id else self.no_session(r, c))

    def new_id(self): return secrets.token_hex(16)
    def session_headers(self, id): return [('Mcp-Session-Id', id)]

    def legacy(self, r, c, m):
        if m.get('method') == 'initialize' and 'id' in m:
            return self.initialize(r, c, m)
        if not self.version_ok(r, c) or not self.session_ok(r, c):
            return None
        if 'method' not in m:
            return self.response(r, c, m)
        if 'id' not in m:
            return self.notification(r, c, m)
        return self.request(r, c, m) or self.reply(r, c, {'jsonrpc': '2.0', 'id': m['id'], **self.result(m)})

    def initialize(self, r, c, m):
        wanted = m.get('params', {}).get('protocolVersion')
        headers = []
        if self.sessions:
            id = self.new_id()
            self.live[id] = {}
            headers = self.session_headers(id)
        return self.reply(r, c, {'jsonrpc': '2.0', 'id': m['id'], 'result': {
            'protocolVersion': wanted if wanted in self.versions else self.versions[0],
            'capabilities': self.capabilities, 'instructions': 'Looks up and counts records; nothing is changed.',
            'serverInfo': {'name': 'field', 'title': 'Field records', 'version': '1.0.0'}}}, headers)

    def notification(self, r, c, m): return c.send(202)
    def response(self, r, c, m): return c.send(202)

    def get(self, r, c):
        if 'legacy' not in self.eras or not self.listens:
            return c.send(405, [('Allow', 'POST')])
        if 'text/event-stream' not in r.headers.get('accept', ''):
            return self.error(c, 406, -32000, 'text/event-stream must be acceptable')
        if self.version_ok(r, c) and self.session_ok(r, c):
            return self.watch(r, c, lambda: not self.sessions or r.headers.get('mcp-session-id') in self.live)
        return None

    def watch(self, r, c, still):
        """The stream of a GET, while `still()` holds."""
        c.open(200, self.head)
        c.chunk(': open\n\n')
        while wait(self.beat, still):
            c.chunk(': keep-alive\n\n')
        return c.end() and c.cut()

    def delete(self, r, c):
        if 'legacy' not in self.eras or not self.sessions:
            return c.send(405, [('Allow', 'POST')])
        if self.session_ok(r, c):
            self.live.pop(r.headers.get('mcp-session-id'), None)
            return c.send(200)
        return None

    # --- 2026-07-28
    def modern(self, r, c, m, meta, version):
        if 'id' not in m:
            return c.send(202)
        id, method, params = m['id'], m.get('method'), m.get('params', {})
        said = r.headers.get('mcp-method')
        if version is None or said is None:
            return self.error(c, 400, -32020, 'a required MCP header is missing', id)
        if KEY + 'protocolVersion' not in meta or not isinstance(meta.get(KEY + 'clientCapabilities'), dict):
            return self.error(c, 400, -32602, '_meta is incomplete', id)
        if meta[KEY + 'protocolVersion'] != version or said != method or r.headers.get('mcp-name') != (params.get('name') if method == 'tools/call' else None):
            return self.error(c, 400, -32020, 'headers and body differ', id)
        if version != MODERN:
            return self.error(c, 400, -32022, 'Unsupported protocol version', id, {'supported': [MODERN], 'requested': version})
        if self.request(r, c, m):
            return True
        if method == 'subscriptions/listen':
            return self.listen(r, c, m)
        if method == 'server/discover':
            said = {'result': {'supportedVersions': [MODERN, *(self.versions if 'legacy' in self.eras else ())], 'capabilities': self.capabilities,
                               'instructions': 'Looks up and counts records; nothing is changed.'}}
        else:
            said = failure(-32601, 'Method not found') if method == 'ping' else self.result(m)
        if 'error' in said:
            return c.reply(404 if said['error']['code'] == -32601 else 400, {'jsonrpc': '2.0', 'id': id, **said})
        said['result'] |= {'resultType': 'complete', 'ttlMs': 60000, 'cacheScope': 'public', '_meta': {KEY + 'serverInfo': {'name': 'field', 'title': 'Field records', 'version': '1.0.0'}}}
        return self.reply(r, c, {'jsonrpc': '2.0', 'id': id, **said})

    def listen(self, r, c, m):
        if not self.capabilities.get('tools', {}).get('listChanged'):
            return self.error(c, 404, -32601, 'Method not found', m['id'])
        c.open(200, self.head)
        c.chunk(frame({'jsonrpc': '2.0', 'method': 'notifications/subscriptions/acknowledged', 'params': {
            '_meta': {KEY + 'subscriptionId': m['id']}, 'notifications': {'toolsListChanged': True}}}))
        return self.idle(c)

    def idle(self, c):
        while wait(self.beat):
            c.chunk(': keep-alive\n\n')


class Modern(Mcp):
    eras = ('modern',)


class Listening(Modern):
    capabilities = {'tools': {'listChanged': True}}


class Dual(Mcp):
    eras = ('legacy', 'modern')


class OAuth(Mcp):
    """Every request wants a bearer; metadata as they should be."""
    listens = False

    def documents(self):
        return {'/.well-known/oauth-protected-resource' + self.path: self.resource(),
                '/.well-known/oauth-authorization-server': self.issuer()}

    def resource(self, **more):
        return {'resource': self.base + self.path, 'authorization_servers': [self.base], 'bearer_methods_supported': ['header'],
                'scopes_supported': ['records:read'], **more}

    def issuer(self, **more):
        made = {'issuer': self.base, 'authorization_endpoint': self.base + '/authorize', 'token_endpoint': self.base + '/token',
                'registration_endpoint': self.base + '/register', 'response_types_supported': ['code'],
                'grant_types_supported': ['authorization_code', 'refresh_token'], 'code_challenge_methods_supported': ['S256'],
                'token_endpoint_auth_methods_supported': ['none'], **more}
        return {name: value for name, value in made.items() if value is not None}

    def elsewhere(self, r, c):
        found = self.documents().get(r.path) if r.method == 'GET' else None
        if found is None:
            return None
        return c.send(*found) if isinstance(found, tuple) else c.reply(200, found)

    def challenge(self, r):
        wrong = ', error="invalid_token"' if 'authorization' in r.headers else ''
        return f'Bearer resource_metadata="{self.base}/.well-known/oauth-protected-resource{self.path}", scope="records:read"{wrong}'

    def refuse(self, r, c):
        return c.reply(401, {'error': 'unauthorized'}, [('WWW-Authenticate', self.challenge(r))])

    def is_open(self, r): return False

    def gate(self, r, c):
        if self.is_open(r) or r.headers.get('authorization') == 'Bearer ' + TOKEN:
            return None
        return self.refuse(r, c)
