untrusted comment: verify with key.pub
RWTqxQpWRQbg7yKVoEmvvlyqT1lNlvy/mKdnZxOkeElWeQCXkH8ZGu+33/1VoE55asXEFWXmeAPBuwfuPCHyP4mc9xmSJGLj9wY=
The document that the tools signed.
