"""What an endpoint over HTTP needs beside the protocol: pacing, retries, and what each server makes of a request."""
