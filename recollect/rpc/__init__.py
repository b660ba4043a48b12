"""The gRPC edge: the operations of the contract as RPCs, beside HTTP and with the same meaning.

server      starts and drains the servers, with health and reflection
operations  binds every RPC of v1/*.proto to the servicer of its name
guard       what a call must pass before its servicer sees it
servicers   one coroutine per operation: translate, call the service, reply
reading     messages into the shared vocabulary, as strictly as HTTP reads JSON
writing     the shared vocabulary into messages
statuses    the error tree as gRPC codes with rich details
"""
