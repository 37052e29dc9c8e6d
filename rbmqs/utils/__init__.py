"""rbmqs/utils"""
