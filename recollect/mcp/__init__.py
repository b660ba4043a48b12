"""The MCP edge: the contract's tools for programs that speak the Model Context Protocol, over stdio or HTTP.

It stands before a running server and sends each call there, so that keys, limits and isolation are the server's.
"""
