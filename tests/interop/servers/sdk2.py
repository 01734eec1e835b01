"""Python SDK 2: `open`, or `gated` behind a bearer token whose issuer is described on the same origin."""

import sys

from listening import ORIGIN, serve
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import MCPServer
from starlette.responses import JSONResponse


class Verifier:
    async def verify_token(self, token):
        known = token == "interop-token"
        return AccessToken(token=token, client_id="interop", scopes=["mcp"]) if known else None


gated = sys.argv[1] == "gated"
settings = AuthSettings(issuer_url=ORIGIN, required_scopes=["mcp"], resource_server_url=f"{ORIGIN}/mcp")
gate = {"token_verifier": Verifier(), "auth": settings} if gated else {}
server = MCPServer("interop-py2", version="1.0.0", **gate)


@server.tool()
def add(a: int, b: int) -> int:
    """Adds two integers"""
    return a + b


if gated:

    @server.custom_route("/.well-known/oauth-authorization-server", methods=["GET"])
    async def issuer(request):
        return JSONResponse(
            {
                "issuer": f"{ORIGIN}/",
                "authorization_endpoint": f"{ORIGIN}/authorize",
                "token_endpoint": f"{ORIGIN}/token",
                "response_types_supported": ["code"],
                "code_challenge_methods_supported": ["S256"],
            }
        )


serve(server.streamable_http_app())
