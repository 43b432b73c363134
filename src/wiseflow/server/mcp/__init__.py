"""The program as tools of an assistant, over the Model Context Protocol (MCP).

Source: https://modelcontextprotocol.io/specification
"""
