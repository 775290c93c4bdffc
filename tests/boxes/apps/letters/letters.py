"""A form for a newsletter over ASGI: says how it was asked."""

RELEASE = "first"


async def app(scope, receive, send):
    while scope["type"] == "lifespan":
        await send({"type": f"{(await receive())['type']}.complete"})
    said = RELEASE if scope["path"] == "/release" else f"{RELEASE}: {scope['scheme']} for {scope['client'][0]}"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
    await send({"type": "http.response.body", "body": said.encode()})
