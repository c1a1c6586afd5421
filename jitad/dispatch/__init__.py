"""The call path: from a Python call to native code and back, without the interpreter in between."""
