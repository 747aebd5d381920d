"""What is right and what goes wrong, as data: exercises, their steps, and mistakes in a step.

Read `recipe` (named steps), `mistake` (a step replaced), `head` and `network` (the recipes), then
`mistakes` and `layers` (what can go wrong); `exercise` lists them all; `probes` has the inputs.
"""
