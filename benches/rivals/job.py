"""The same job as an asyncio script: fetch both files, verify, and only then move them into place.

usage: job.py BASE KEY FOLDER NAMES
"""

import asyncio
import os
import sys

import httpx
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


async def main(base, key_file, folder, names_file):
    with open(key_file, "rb") as file:
        key = serialization.load_pem_public_key(file.read())
    with open(names_file) as file:
        names = file.read().split()
    algorithm = ec.ECDSA(hashes.SHA256())
    limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
    gate = asyncio.Semaphore(64)

    async with httpx.AsyncClient(limits=limits, timeout=60) as client:

        async def get(url):
            response = await client.get(url)
            response.raise_for_status()
            return response.content

        async def one(name):
            async with gate:
                body, signature = await asyncio.gather(get(f"{base}/{name}"), get(f"{base}/{name}.sig"))
            key.verify(signature, body, algorithm)
            for suffix, content in ((".sig", signature), ("", body)):
                draft = os.path.join(folder, f".{name}{suffix}")
                with open(draft, "wb") as file:
                    file.write(content)
                os.rename(draft, os.path.join(folder, name + suffix))

        await asyncio.gather(*map(one, names))


asyncio.run(main(*sys.argv[1:]))
