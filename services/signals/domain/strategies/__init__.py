"""The strategies that come with the product beside trend-pullback; `built_in` lists them all."""
