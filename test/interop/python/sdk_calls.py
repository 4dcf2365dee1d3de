"""What the Python clients of OpenAI and Anthropic see: sdk_calls.py OPENAI_URL ANTHROPIC_URL TOKEN. Prints one JSON line."""

import asyncio
import json
import sys

import anthropic
import openai

ASK = "Who can help me?"
MAIL = {"type": "object", "properties": {"to": {"type": "string"}}}


def told(run):
    """Returns what a call comes to: its result, or the class and the status of its error."""
    try:
        return run()
    except (openai.APIStatusError, anthropic.APIStatusError) as error:
        body = error.body if isinstance(error.body, dict) else {}
        return {"error": type(error).__name__, "status": error.status_code, "message": str(body.get("message", body))}


def of_openai(url, token):
    client = openai.OpenAI(base_url=f"{url}/v1", api_key=token, max_retries=0)
    chat = {"model": "gpt-1", "messages": [{"role": "user", "content": ASK}]}
    tools = [{"type": "function", "function": {"name": "mail", "parameters": MAIL}}]
    called = chat | {"messages": [{"role": "user", "content": "Send the mail."}], "tools": tools}

    def left():
        with client.chat.completions.create(**chat, stream=True) as stream:
            first = next(iter(stream))
        return first.choices[0].delta.role

    def speech():
        with client.audio.speech.with_streaming_response.create(model="tts-1", input=ASK, voice="alloy") as answer:
            return answer.read().hex()

    def raw():
        answer = client.chat.completions.with_raw_response.create(**chat)
        return [answer.headers["content-type"], answer.parse().choices[0].message.content]

    async def asynchronous():
        async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=token, max_retries=0) as other:
            one, two = await asyncio.gather(
                other.chat.completions.create(**chat), other.responses.create(model="gpt-1", input=ASK)
            )
            stream = await other.chat.completions.create(**chat, stream=True)
            parts = [part.choices[0].delta.content async for part in stream if part.choices]
            return [one.choices[0].message.content, two.output_text, parts]

    return {
        "chat": told(lambda: client.chat.completions.create(**chat).choices[0].to_dict()),
        "stream": told(lambda: [p.choices[0].to_dict() for p in client.chat.completions.create(**chat, stream=True)]),
        "usage": told(
            lambda: [
                part.to_dict().get("usage")
                for part in client.chat.completions.create(**chat, stream=True, stream_options={"include_usage": True})
            ][-1]
        ),
        "tool": told(lambda: client.chat.completions.create(**called).choices[0].message.tool_calls[0].function.to_dict()),
        "responses": told(lambda: client.responses.create(model="gpt-1", input=ASK).output_text),
        "responses stream": told(
            lambda: [event.type for event in client.responses.create(model="gpt-1", input=ASK, stream=True)]
        ),
        "embeddings": told(lambda: client.embeddings.create(model="emb-1", input=ASK).data[0].embedding),
        "transcription": told(
            lambda: client.audio.transcriptions.create(model="whisper-1", file=("a.wav", b"RIFF\0\0"), prompt=ASK).text
        ),
        "speech": told(speech),
        "raw": told(raw),
        "left": told(left),
        "async": told(lambda: asyncio.run(asynchronous())),
        "unknown": told(lambda: client.get("/nothing/here", cast_to=object)),
    }


def of_anthropic(url, token):
    client = anthropic.Anthropic(base_url=url, api_key=token, max_retries=0)
    ask = {"model": "claude-1", "max_tokens": 64, "messages": [{"role": "user", "content": ASK}]}
    tools = [{"name": "mail", "input_schema": MAIL}]
    called = ask | {"messages": [{"role": "user", "content": "Send the mail."}], "tools": tools}

    def streamed():
        with client.messages.stream(**ask) as stream:
            texts = list(stream.text_stream)
            return [texts, stream.get_final_message().content[0].to_dict()]

    def left():
        with client.messages.create(**ask, stream=True) as stream:
            return next(iter(stream)).type

    async def asynchronous():
        async with anthropic.AsyncAnthropic(base_url=url, api_key=token, max_retries=0) as other:
            async with other.messages.stream(**ask) as stream:
                return [text async for text in stream.text_stream]

    return {
        "message": told(lambda: client.messages.create(**ask).content[0].to_dict()),
        "events": told(lambda: [event.type for event in client.messages.create(**ask, stream=True)]),
        "stream": told(streamed),
        "tool": told(lambda: [block.input for block in client.messages.create(**called).content if block.type == "tool_use"]),
        "left": told(left),
        "async": told(lambda: asyncio.run(asynchronous())),
    }


def main():
    openai_url, anthropic_url, token = sys.argv[1:]
    print(json.dumps({"openai": of_openai(openai_url, token), "anthropic": of_anthropic(anthropic_url, token)}))


main()
