"""What `longhand bench` measures: this machine's ways to run one network, side by side, and the machine's own limits.

`cases` says which networks, `contestants` who runs them (`torch_loop` and `onnx_loop` where these are installed),
`limits` what no program can exceed, `measuring` takes the times.
"""
