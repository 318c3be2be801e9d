"""Many who write with one model at the same time, by HTTP and on a page.

Without HTTP: `request` (what is asked for), `line` (who waits), `rounds` (a thread that carries requests out), of which
there are two kinds: `scheduler`, and `windows` for models that read a window; `prefill` (one prompt), `writer` (one
text), `texts` (all of them), `fair` (whose turn it is).

Between the two: `mailbox` (from that thread to the loop), `served` (a model with its thread), `service` (all that a
server has), `room` and `threads` (bounds of memory, and work beside the loop).

HTTP: `protocol` (a connection), `guard` (who may ask), `routes`, `wire` (fields), `asking`, `answering`, `listing`,
`streaming`, `scored`, `sealing` (states as strings), `problems` (errors), `metrics`, `openapi` and `reference`,
`static` and `page`, `runs` (trainings), `server` (starting and ending).
"""
